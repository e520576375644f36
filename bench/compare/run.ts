import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { appSettings, inheritedEnvironment } from '../../scripts/local-environment.ts';
import { sum } from '../../src/plan/sum.ts';
import { startApp, type App } from '../../test/support/app.ts';
import { citiesCsv, cityTable } from '../common/cities.ts';
import { controlOf, type EmulatorControl } from '../common/emulator-control.ts';
import { clientNames, type ClientName, type Done, type Job } from './job.ts';
import { baseProfile, scaledProfile, windowSeconds } from './profile.ts';

export interface Measured {
  readonly client: ClientName;
  readonly rows: number;
  /** Rows over the whole job, and over the time from its first to its last commit. */
  readonly rowsPerSecond: number;
  readonly sendingRowsPerSecond: number;
  readonly requests: number;
  readonly throttled: number;
  /** Requests that came before a wait told to the identity was over. */
  readonly earlyRetries: number;
}

export interface CompareOptions {
  readonly rounds: number;
  /** Of the clients that send row by row, which would take minutes. */
  readonly seconds: number;
  /** Rows of the others. */
  readonly rows: number;
  readonly onProgress: (line: string) => void;
}

const poolSize = 16;
const windowMs = windowSeconds * 1_000;

/** All clients in turns, on one emulator; before each the tables are emptied and the limits' windows begin anew. */
export async function runCompare(options: CompareOptions): Promise<readonly (readonly Measured[])[]> {
  const app = await startApp({ profile: baseProfile });
  try {
    const control = controlOf(app.stack.emulatorUrl);
    await control.change({ ...scaledProfile(), hint: poolSize });
    const source = await app.put('bench/cities.csv', citiesCsv(options.rows));
    const rounds: Measured[][] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      const results: Measured[] = [];
      for (const client of clientNames) {
        const measured = await measure({ app, control, source, options }, client);
        results.push(measured);
        options.onProgress(`round ${round + 1}: ${JSON.stringify(measured)}`);
      }
      rounds.push(results);
    }
    return rounds;
  } finally {
    await app.stop();
  }
}

interface Bench {
  readonly app: App;
  readonly control: EmulatorControl;
  readonly source: object;
  readonly options: CompareOptions;
}

async function measure({ app, control, source, options }: Bench, client: ClientName): Promise<Measured> {
  await control.reset();
  await beginWindows(control);
  const before = (await control.counters()).journal.lastSequence;
  const spec = { connection: 'main', source, target: { table: cityTable.logicalName, operation: 'create' } };
  const { emulatorUrl } = app.stack;
  const { rows: available, seconds } = options;
  const job: Job = { client, emulatorUrl, poolSize, seconds, rows: available, spec };
  const done = client === 'durable' ? await runOnHost(app, spec) : await runInProcess(app, job);
  const counters = await control.counters();
  const times = await control.commitTimes(before);
  if (times.length !== done.rows) throw new Error(`${client} says ${done.rows} rows, the journal ${times.length}.`);
  const users = Object.values(counters.users);
  const throttled = sum(users, ({ refused }) => sum(Object.values(refused), (count) => count));
  return {
    client,
    rows: done.rows,
    rowsPerSecond: done.rows / done.seconds,
    sendingRowsPerSecond: rateOf(times),
    requests: sum(users, ({ requests }) => requests),
    throttled,
    earlyRetries: counters.earlyRetries,
  };
}

/** Windows of another length begin empty. */
async function beginWindows(control: EmulatorControl): Promise<void> {
  await control.change({ limits: { windowMs: windowMs + 1 } });
  await control.change({ limits: { windowMs } });
}

/** The first commit ends a request that began before; what came with it is left out. */
function rateOf(times: readonly number[]): number {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || last === first) return 0;
  return (times.filter((at) => at > first).length / (last - first)) * 1_000;
}

/** As a user would: over HTTP, until the report is there. */
async function runOnHost(app: App, spec: object): Promise<Done> {
  const begin = performance.now();
  const { report } = await app.run(spec);
  if (report.state !== 'completed') throw new Error(`The run ended as ${report.state}.`);
  return { rows: report.rowsTotal ?? 0, seconds: (performance.now() - begin) / 1_000 };
}

async function runInProcess(app: App, job: Job): Promise<Done> {
  const script = fileURLToPath(new URL('client-process.ts', import.meta.url));
  const { storageConnectionString, emulatorUrl } = app.stack;
  const env = { ...inheritedEnvironment(process.env), ...appSettings(storageConnectionString, emulatorUrl) };
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(job)], { env });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Done;
}
