import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions, refuse } from '../scripts/command-options.ts';
import { checkPlaces, resultOptions, writeResults } from './common/results.ts';
import { runHotPath } from './hotpath/run.ts';
import { hotPathTables } from './hotpath/tables.ts';

const usage = {
  command: 'npm run bench:hotpath',
  about:
    'what one core does between the bytes of a slice and the bytes of a request, beside the plainest pipeline, and whether event loop and memory stay calm',
  options: {
    repeats: { kind: 'whole', least: 1, most: 100, default: 5, about: 'measurements of each way' },
    rows: { kind: 'whole', least: 1_000, most: 10_000_000, default: 400_000, about: 'rows of a measurement' },
    'long-rows': {
      kind: 'whole',
      least: 1_000,
      most: 10_000_000,
      default: 1_000_000,
      about: 'rows of the longest measurement of memory and event loop',
    },
    ...resultOptions,
  },
  notes: 'Not measured: storage, TLS, a server that works.',
} as const;
const mark = 'hot path';

const values = readOptions(usage);
await checkPlaces(values, mark).catch((error: unknown) => refuse(usage, error));
const dir = await mkdtemp(join(tmpdir(), 'fanout-hotpath-'));
try {
  const { repeats, rows, 'long-rows': longRows } = values;
  const results = await runHotPath({ dir, repeats, rows, longRows, onProgress: (line) => console.error(line) });
  await writeResults(values, { mark, results, tables: hotPathTables(results) });
} finally {
  await rm(dir, { recursive: true });
}
