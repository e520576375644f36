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
  /** The engine from a cold start on few, more and many rows; last, many rows with as much room for young objects as V8 takes by itself. */
  readonly calm: readonly (readonly Measured[])[];
}

const [fewRows, moreRows] = [10_000, 100_000];
/**
 * V8 gives young objects more room the longer a process is busy, as far as this allows. By itself it goes by the memory of the machine, which nothing here
 * should depend on.
 */
export const youngMegabytes = 16;
const bounded = [`--max-semi-space-size=${youngMegabytes}`];
/** The compiler is done with both ways by then. */
const warmUpRows = 60_000;
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
  const measure = async (
    job: Pick<Job, 'way' | 'format' | 'rows' | 'warmUpRows'>,
    nodeArguments: readonly string[] = bounded,
  ): Promise<Measured> => {
    const whole = { ...job, ...shape, token, file: fileOf(job.format), url: sink.ready };
    const measured = await measureInProcess(whole, nodeArguments);
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
    const calm = [
      ...[fewRows, moreRows, longRows].map((count) => ({ count, nodeArguments: bounded, measured: [] as Measured[] })),
      { count: longRows, nodeArguments: [], measured: [] },
    ];
    for (let round = 0; round < Math.min(repeats, longRepeats); round += 1) {
      for (const { count, nodeArguments, measured } of calm)
        measured.push(await measure({ way: 'engine', format: 'csv', rows: count, warmUpRows: 0 }, nodeArguments));
    }
    return { node: process.version, ...shape, rounds, calm: calm.map(({ measured }) => measured) };
  } finally {
    await sink.stop();
  }
}

async function measureInProcess(job: Job, nodeArguments: readonly string[]): Promise<Measured> {
  const script = fileURLToPath(new URL('measure.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...nodeArguments, script, JSON.stringify(job)]);
  return JSON.parse(stdout) as Measured;
}
