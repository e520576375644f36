import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildIfNeeded } from '../scripts/build-if-needed.ts';
import type { DurableRound } from './durable/run.ts';
import { putBetweenMarks } from './common/markdown.ts';

/**
 * `npm run bench:durable [-- --rounds N] [--tail N] [--add FILE] [--json FILE] [--docs FILE]`: what Durable and waves cost the engine, in boxes of a minute with requests of
 * about a second. A round takes four minutes. `--tail`: so many rounds more in which one request in a hundred takes five times as long. `--add`: rounds that
 * were measured before, as `--json` wrote them.
 * Not measured: queues that are polled, hosts that start cold.
 */
/** As documented-4 has it. */
const slowShare = 0.01;
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    tail: { type: 'string', default: '0' },
    add: { type: 'string' },
    json: { type: 'string' },
    docs: { type: 'string' },
  },
});

await buildIfNeeded(fileURLToPath(new URL('..', import.meta.url)));
const { runDurable } = await import('./durable/run.ts');
const { durableTables } = await import('./durable/tables.ts');
const onProgress = (line: string) => console.error(line);
const before = await readRounds(values.add);
const measure = (rounds: string, tailProbability: number) =>
  runDurable({ rounds: Number(rounds), tailProbability, onProgress });
const even = [...(before.even ?? []), ...(await measure(values.rounds, 0))];
const tail = [...(before.tail ?? []), ...(await measure(values.tail, slowShare))];
const tables = [
  { title: 'Requests that last alike', tailProbability: 0, rounds: even },
  { title: 'One request in a hundred takes five times as long', tailProbability: slowShare, rounds: tail },
]
  .filter(({ rounds }) => rounds.length > 0)
  .map(durableTables)
  .join('\n\n');
console.log(tables);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ even, tail }, null, 1)}\n`);
if (values.docs !== undefined) await putBetweenMarks(values.docs, 'durable', tables);

interface Rounds {
  readonly even?: readonly DurableRound[];
  readonly tail?: readonly DurableRound[];
}

async function readRounds(file: string | undefined): Promise<Rounds> {
  return file === undefined ? {} : (JSON.parse(await readFile(file, 'utf8')) as Rounds);
}
