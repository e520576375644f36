import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startChild } from '../../scripts/child.ts';
import { writeAccounts } from './accounts.ts';
import type { Job, Measured } from './job.ts';

export interface HotPathOptions {
  /** For the files. */
  readonly dir: string;
  readonly repeats: number;
  readonly rows: number;
  readonly longRows: number;
  readonly onProgress: (line: string) => void;
}

export const ways = [
  { way: 'engine', format: 'csv' },
  { way: 'plain', format: 'csv' },
  { way: 'engine', format: 'jsonl' },
  { way: 'plain', format: 'jsonl' },
] as const satisfies readonly Pick<Job, 'way' | 'format'>[];

export interface HotPathResults {
  readonly node: string;
  readonly rowsPerRequest: number;
  readonly lanes: number;
  /** By repeat, in the order of `ways`. */
  readonly rounds: readonly (readonly Measured[])[];
  /** The engine from a cold start on few, more and many rows. */
  readonly calm: readonly (readonly Measured[])[];
}

/** Behind the second, V8 has given the young objects all the room it is going to. */
const [fewRows, moreRows] = [10_000, 100_000];
const warmUpRows = 20_000;
const longRepeats = 3;
const shape = { rowsPerRequest: 100, lanes: 16 };
/** As long as real ones are. */
const token = 'x'.repeat(1_800);

/** One process for each measurement, in turns, so that what else the machine does meets all ways alike. */
export async function runHotPath(options: HotPathOptions): Promise<HotPathResults> {
  const { rows, longRows, repeats, dir, onProgress } = options;
  const fileOf = (format: Job['format']) => join(dir, `accounts.${format}`);
  await writeAccounts(fileOf('csv'), 'csv', Math.max(rows, longRows));
  await writeAccounts(fileOf('jsonl'), 'jsonl', rows);
  const sink = await startChild({
    name: 'sink',
    script: fileURLToPath(new URL('sink.ts', import.meta.url)),
    args: [],
    env: process.env,
    readyWhen: (line) => /^sink ready at (\S+)$/.exec(line)?.[1],
  });
  const measure = async (job: Pick<Job, 'way' | 'format' | 'rows' | 'warmUpRows'>): Promise<Measured> => {
    const measured = await measureInProcess({ ...job, ...shape, token, file: fileOf(job.format), url: sink.ready });
    onProgress(
      `${job.way} ${job.format} ${job.rows} rows: ${Math.round(measured.rowsPerSecond)} rows/s, ` +
        `block ${measured.longestBlockMs.toFixed(1)} ms (${measured.longestBusyMs.toFixed(1)} of CPU), peak ${Math.round(measured.peakMegabytes)} MB`,
    );
    return measured;
  };
  try {
    const rounds: Measured[][] = [];
    for (let round = 0; round < repeats; round += 1) {
      const results: Measured[] = [];
      for (const way of ways) results.push(await measure({ ...way, rows, warmUpRows }));
      rounds.push(results);
    }
    const calm = [fewRows, moreRows, longRows].map((count) => ({ count, measured: [] as Measured[] }));
    for (let round = 0; round < Math.min(repeats, longRepeats); round += 1) {
      for (const { count, measured } of calm)
        measured.push(await measure({ way: 'engine', format: 'csv', rows: count, warmUpRows: 0 }));
    }
    return { node: process.version, ...shape, rounds, calm: calm.map(({ measured }) => measured) };
  } finally {
    await sink.stop();
  }
}

async function measureInProcess(job: Job): Promise<Measured> {
  const script = fileURLToPath(new URL('measure.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(job)]);
  return JSON.parse(stdout) as Measured;
}
