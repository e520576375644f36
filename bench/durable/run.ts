import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { SettingsPatch } from 'dataverse-emulator';
import { appSettings, inheritedEnvironment } from '../../scripts/local-environment.ts';
import { startApp, type App } from '../../test/support/app.ts';
import { sum } from '../../src/plan/sum.ts';
import { citiesCsv, cityTable } from '../common/cities.ts';
import { startCountingProxy, type CountingProxy } from '../common/counting-proxy.ts';
import { controlOf } from '../common/emulator-control.ts';
import { readHistory, type RunHistory } from './history.ts';
import { between, sample, type Sample } from './samples.ts';
import { storageNameOf } from './storage-names.ts';

export interface DurableOptions {
  readonly rounds: number;
  /** Share of requests that take five times as long. */
  readonly tailProbability: number;
  readonly onProgress: (line: string) => void;
}

/** One way, between the same two moments. */
export interface Side extends Omit<Sample, 'atMs'> {
  readonly rowsPerSecond: number;
  /** Share of the lanes' time in which their requests were being executed. */
  readonly busyShare: number;
}

export interface DurableRound {
  readonly seconds: number;
  readonly lanes: number;
  /** Seconds from the beginning of each wave to that of the next. */
  readonly waves: readonly number[];
  readonly without: Side;
  readonly with: Side;
  readonly events: number;
  readonly turns: number;
  readonly activities: number;
  readonly messages: number;
}

const lanes = 16;
/** At the documented 150 ms and 24.7 ms a row a request takes one second. */
export const rowsPerRequest = 34;
const rows = 150_000;
/** Boxes of 5, 10, 20 and 40 s, then two of a minute, and what lies between them. */
const runSeconds = 215;
export const longBoxMs = 60_000;

/** Documented latency and nothing that refuses: what is left are the lanes and the time they do not send. */
const environment = (tailProbability: number): SettingsPatch => ({
  hint: lanes,
  limits: { requests: null, executionTimeMs: null },
  latency: { tailProbability },
});

/** Both ways at the same time, each with an emulator and a storage of its own, so that whatever the machine does meets both. */
export async function runDurable(options: DurableOptions): Promise<readonly DurableRound[]> {
  const rounds: DurableRound[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    const measured = await measureRound(options.tailProbability);
    rounds.push(measured);
    options.onProgress(`round ${round + 1}: ${JSON.stringify(measured)}`);
  }
  return rounds;
}

async function measureRound(tailProbability: number): Promise<DurableRound> {
  const dirs = await Promise.all(['without', 'with'].map((name) => mkdtemp(join(tmpdir(), `fanout-${name}-`))));
  const [withoutDir = '', withDir = ''] = dirs;
  const sides = await Promise.all([startSide(withoutDir), startSide(withDir)]);
  const [without, withDurable] = sides;
  const done = new AbortController();
  try {
    const spec = await Promise.all(sides.map((side) => prepare(side, tailProbability)));
    const samples = Promise.all(
      sides.map(({ app, proxy }) => sample(controlOf(app.stack.emulatorUrl), proxy, done.signal)),
    );
    const child = startWithoutDurable(without, spec[0] ?? {});
    const runId = await withDurable.app.start(spec[1] ?? {});
    await Promise.race([delay(runSeconds * 1_000), endedEarly(child)]);
    done.abort();
    const [withoutSamples = [], withSamples = []] = await samples;
    child.removeAllListeners('exit').kill();
    await withDurable.app.stack.hostProcess.kill('SIGTERM');
    return roundOf(readHistory(join(withDir, 'host'), runId), withoutSamples, withSamples);
  } finally {
    for (const { app, proxy } of sides) {
      await app.stop();
      await proxy.close();
    }
    for (const dir of dirs) await rm(dir, { recursive: true, force: true });
  }
}

interface RunningSide {
  readonly app: App;
  readonly proxy: CountingProxy;
  /** Of the storage behind the proxy. */
  readonly connectionString: string;
}

async function startSide(dir: string): Promise<RunningSide> {
  const proxy = await startCountingProxy(storageNameOf);
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${proxy.url}/${account}`;
  const app = await startApp({ profile: 'documented-4', dir, env: { AzureWebJobsStorage: connectionString } });
  proxy.setTarget(app.stack.blobUrl);
  return { app, proxy, connectionString };
}

/** The account every Azurite knows (learn.microsoft.com/azure/storage/common/storage-connect-azurite, "Well-known storage account and key"). */
const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

async function prepare({ app }: RunningSide, tailProbability: number): Promise<object> {
  await controlOf(app.stack.emulatorUrl).change(environment(tailProbability));
  const source = await app.put('bench/cities.csv', citiesCsv(rows));
  const target = { table: cityTable.logicalName, operation: 'create' };
  return { connection: 'main', source, target, options: { rowsPerRequest } };
}

async function endedEarly(child: ChildProcess): Promise<never> {
  const [code] = (await once(child, 'exit')) as [number | null];
  throw new Error(`The engine without Durable ended with ${code ?? 'a signal'} before the time was up.`);
}

function startWithoutDurable({ app, connectionString }: RunningSide, spec: object) {
  const script = fileURLToPath(new URL('engine-process.ts', import.meta.url));
  const env = { ...inheritedEnvironment(process.env), ...appSettings(connectionString, app.stack.emulatorUrl) };
  return spawn(process.execPath, [script, JSON.stringify(spec)], { env, stdio: ['ignore', 'inherit', 'inherit'] });
}

function roundOf(history: RunHistory, without: readonly Sample[], withDurable: readonly Sample[]): DurableRound {
  const { waves, turns } = history;
  const measured = waves.filter(({ beganAtMs, endedAtMs }) => endedAtMs - beganAtMs >= longBoxMs);
  const [first, last] = [measured[0], measured.at(-1)];
  if (first === undefined || last === undefined) throw new Error(`No long box ended: ${JSON.stringify(waves)}`);
  const [fromMs, toMs] = [first.beganAtMs, last.endedAtMs];
  const within = turns.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  const sideOf = (samples: readonly Sample[]): Side => {
    const counted = between(samples, fromMs, toMs);
    return {
      ...counted,
      rowsPerSecond: (counted.rows / (toMs - fromMs)) * 1_000,
      busyShare: counted.executionMs / (lanes * (toMs - fromMs)),
    };
  };
  return {
    seconds: (toMs - fromMs) / 1_000,
    lanes: Math.max(...measured.map((wave) => wave.lanes)),
    waves: waves.map(({ beganAtMs, endedAtMs }) => (endedAtMs - beganAtMs) / 1_000),
    without: sideOf(without),
    with: sideOf(withDurable),
    events: sum(within, ({ events }) => events),
    turns: within.length,
    activities: sum(within, ({ activities }) => activities),
    messages: sum(within, ({ messages }) => messages),
  };
}
