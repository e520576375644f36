import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from '../scripts/build-if-needed.ts';
import { OptionError, readOptions, refuse } from '../scripts/command-options.ts';
import { checkPlaces, readEarlier, roundOptions, writeResults } from './common/results.ts';
import type { Measured } from './compare/run.ts';

const usage = {
  command: 'npm run bench',
  about: 'creates rows in the emulator by other clients and by the engine, and compares',
  options: {
    rounds: { kind: 'whole', least: 0, most: 100, default: 2, about: 'rounds, of all clients each' },
    seconds: { kind: 'whole', least: 1, most: 600, default: 12, about: 'time of the clients that send row by row' },
    rows: { kind: 'whole', least: 1_000, most: 1_000_000, default: 40_000, about: 'rows of the others' },
    ...roundOptions,
  },
  notes: 'Not measured: a real environment, the network, rows that are refused.',
} as const;
const mark = 'compared';

type Rounds = readonly (readonly Measured[])[];
const isRounds = (json: unknown): json is Rounds => Array.isArray(json) && json.every((round) => Array.isArray(round));

const values = readOptions(usage);
const before = await prepare().catch((error: unknown) => refuse(usage, error));
await buildIfNeeded(fileURLToPath(new URL('..', import.meta.url)));
const { runCompare } = await import('./compare/run.ts');
const { compareTables } = await import('./compare/tables.ts');
const { rounds, seconds, rows } = values;
const onProgress = (line: string): void => console.error(line);
const measured = rounds === 0 ? [] : await runCompare({ rounds, seconds, rows, onProgress });
const results = [...before, ...measured];
await writeResults(values, { mark, results, tables: compareTables(results) });

async function prepare(): Promise<Rounds> {
  await checkPlaces(values, mark);
  const earlier = (await readEarlier(values.add, isRounds)) ?? [];
  if (values.rounds + earlier.length === 0)
    throw new OptionError('--rounds 0 measures nothing, and --add gives no rounds.');
  return earlier;
}
