import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildIfNeeded } from '../scripts/build-if-needed.ts';
import type { Measured } from './compare/run.ts';
import { putBetweenMarks } from './common/markdown.ts';

/**
 * `npm run bench [-- --rounds N] [--seconds N] [--rows N] [--add FILE] [--json FILE] [--docs FILE]`: creates rows in the emulator by other clients and by the engine, and compares.
 * `--add`: rounds that were measured before, as `--json` wrote them. Not measured: a real environment, the network, rows that are refused.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '12' },
    rows: { type: 'string', default: '40000' },
    add: { type: 'string' },
    json: { type: 'string' },
    docs: { type: 'string' },
  },
});

await buildIfNeeded(fileURLToPath(new URL('..', import.meta.url)));
const { runCompare } = await import('./compare/run.ts');
const { compareTables } = await import('./compare/tables.ts');
const before =
  values.add === undefined ? [] : (JSON.parse(await readFile(values.add, 'utf8')) as readonly (readonly Measured[])[]);
const measured = await runCompare({
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  rows: Number(values.rows),
  onProgress: (line) => console.error(line),
});
const rounds = [...before, ...measured];
const tables = compareTables(rounds);
console.log(tables);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rounds, null, 1)}\n`);
if (values.docs !== undefined) await putBetweenMarks(values.docs, 'compared', tables);
