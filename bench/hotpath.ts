import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { putBetweenMarks } from './common/markdown.ts';
import { runHotPath } from './hotpath/run.ts';
import { hotPathTables } from './hotpath/tables.ts';

/**
 * `npm run bench:hotpath [-- --repeats N] [--rows N] [--long-rows N] [--json FILE] [--docs FILE]`: what one core does between the bytes of a slice and
 * the bytes of a request, beside the plainest pipeline, and whether event loop and memory stay calm.
 * Not measured: storage, TLS, a server that works.
 */
const { values } = parseArgs({
  options: {
    repeats: { type: 'string', default: '5' },
    rows: { type: 'string', default: '400000' },
    'long-rows': { type: 'string', default: '1000000' },
    json: { type: 'string' },
    docs: { type: 'string' },
  },
});

const dir = await mkdtemp(join(tmpdir(), 'fanout-hotpath-'));
try {
  const results = await runHotPath({
    dir,
    repeats: Number(values.repeats),
    rows: Number(values.rows),
    longRows: Number(values['long-rows']),
    onProgress: (line) => console.error(line),
  });
  const tables = hotPathTables(results);
  console.log(tables);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, null, 1)}\n`);
  if (values.docs !== undefined) await putBetweenMarks(values.docs, 'hot path', tables);
} finally {
  await rm(dir, { recursive: true });
}
