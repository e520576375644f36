import { fileURLToPath } from 'node:url';
import { buildIfNeeded } from '../scripts/build-if-needed.ts';
import { OptionError, readOptions, refuse } from '../scripts/command-options.ts';
import { checkPlaces, readEarlier, roundOptions, writeResults } from './common/results.ts';
import type { DurableRound } from './durable/run.ts';

const usage = {
  command: 'npm run bench:durable',
  about: 'what Durable and waves cost the engine, in boxes of a minute with requests of about a second',
  options: {
    rounds: { kind: 'whole', least: 0, most: 20, default: 1, about: 'rounds, of four minutes each' },
    tail: {
      kind: 'whole',
      least: 0,
      most: 20,
      default: 0,
      about: 'rounds more in which one request in a hundred takes five times as long',
    },
    ...roundOptions,
  },
  notes: 'Not measured: queues that are polled, hosts that start cold.',
} as const;
const mark = 'durable';
/** As documented-4 has it. */
const slowShare = 0.01;

interface Rounds {
  readonly even: readonly DurableRound[];
  readonly tail: readonly DurableRound[];
}
const isRounds = (json: unknown): json is Rounds =>
  typeof json === 'object' && json !== null && ['even', 'tail'].every((kind) => Array.isArray(Reflect.get(json, kind)));

const values = readOptions(usage);
const before = await prepare().catch((error: unknown) => refuse(usage, error));
await buildIfNeeded(fileURLToPath(new URL('..', import.meta.url)));
const { runDurable } = await import('./durable/run.ts');
const { durableTables } = await import('./durable/tables.ts');
const onProgress = (line: string): void => console.error(line);
const measure = (rounds: number, tailProbability: number) => runDurable({ rounds, tailProbability, onProgress });
const even = [...before.even, ...(await measure(values.rounds, 0))];
const tail = [...before.tail, ...(await measure(values.tail, slowShare))];
const tables = [
  { title: 'Requests that last alike', tailProbability: 0, rounds: even },
  { title: 'One request in a hundred takes five times as long', tailProbability: slowShare, rounds: tail },
]
  .filter(({ rounds }) => rounds.length > 0)
  .map(durableTables)
  .join('\n\n');
await writeResults(values, { mark, results: { even, tail }, tables });

async function prepare(): Promise<Rounds> {
  await checkPlaces(values, mark);
  const earlier = (await readEarlier(values.add, isRounds)) ?? { even: [], tail: [] };
  if (values.rounds + values.tail + earlier.even.length + earlier.tail.length === 0)
    throw new OptionError('--rounds 0 and --tail 0 measure nothing, and --add gives no rounds.');
  return earlier;
}
