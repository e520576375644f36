import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildIfNeeded } from '../scripts/build-if-needed.ts';
import { putBetweenMarks } from './shared/markdown.ts';

/**
 * `npm run bench:durable [-- --rounds N] [--tail N] [--json FILE] [--docs FILE]`: what Durable and waves cost the engine, in boxes of a minute with requests of
 * about a second. A round takes four minutes. `--tail`: so many rounds more in which one request in a hundred takes five times as long.
 * Not measured: queues that are polled, hosts that start cold.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    tail: { type: 'string', default: '0' },
    json: { type: 'string' },
    docs: { type: 'string' },
  },
});

await buildIfNeeded(fileURLToPath(new URL('..', import.meta.url)));
const { runDurable } = await import('./durable/run.ts');
const { durableTables } = await import('./durable/tables.ts');
const onProgress = (line: string) => console.error(line);
const even = await runDurable({ rounds: Number(values.rounds), tailProbability: 0, onProgress });
const tail = await runDurable({ rounds: Number(values.tail), tailProbability: 0.01, onProgress });
const tables = [
  durableTables('Requests that last alike', even),
  ...(tail.length === 0 ? [] : [durableTables('One request in a hundred takes five times as long', tail)]),
].join('\n\n');
console.log(tables);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ even, tail }, null, 1)}\n`);
if (values.docs !== undefined) await putBetweenMarks(values.docs, 'durable', tables);
