import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { App } from '../../support/app.ts';
import { checkInvariants } from '../check-invariants.ts';
import { createRandom, type Random } from '../random.ts';
import { aims, type Aim } from './aims.ts';
import { commitsAfter, evidenceOf, lastSequence, tableRows } from './evidence.ts';
import { createLoad, expectedRows, rowsBefore, type Load } from './load.ts';
import { createWeather } from './network.ts';
import type { Interception, Proxy } from './proxy.ts';
import { aimKill, strikeByJournal, type AimedKill } from './strikes.ts';

export interface ProcessResult {
  readonly violations: readonly string[];
  readonly state: string;
  readonly kills: number;
  readonly cuts: number;
  readonly what: string;
}

export interface Stage {
  readonly app: App;
  readonly storage: Proxy;
  readonly environment: Proxy;
}

const pass: Interception = { arrived: async () => 'pass', answered: async () => 'pass' };

/** `journal`: killed or frozen at random events of the emulator's journal. `aimed`: killed at one point. `network`: connections are cut. */
type Mode = 'journal' | 'aimed' | 'network';

/** One run of the built app under the faults of a seed, and a redrive of what it left; checked when both have ended. */
export async function runProcessSeed(stage: Stage, seed: number): Promise<ProcessResult> {
  const { app } = stage;
  const random = createRandom(seed);
  const load = createLoad(random);
  const mode = random.pick<Mode>(['journal', 'aimed', 'aimed', 'network']);
  // Every point has its turn.
  const aim = aims[seed % aims.length] ?? aims[0];
  await prepare(stage, load, random);
  const before = new Set((await tableRows(app)).keys());
  const began = await lastSequence(app);
  const weather = createWeather(random.fork('weather'), {
    probability: mode === 'network' ? random.pick([0.03, 0.15]) : 0,
    times: random.between(3, 25),
    longestStallMs: 6_000,
  });
  const kill = aimKill(app, aim, aim.isOnce === true || aim.isEach === true ? 1 : random.between(1, 4));
  intercept(stage, mode === 'aimed' && aim.isOfRedrive !== true ? { aim, kill } : undefined, weather.interception);
  const runId = await startRun(app, seed, load, random);
  const what: string[] = [];
  let kills = 0;
  if (mode === 'journal') {
    for (kills = random.between(1, 3); what.length < kills;)
      what.push(await strikeByJournal(app, random, began, load.rowCount));
  } else if (mode === 'network' && random.chance(0.25)) {
    await delay(random.between(0, 1_500));
    await patiently(async () => app.post(runId, 'cancel').catch(ignoreEnded));
    what.push('cancelled');
  }
  const report = await patiently(async () => (await app.ended(runId)).report);
  if (mode === 'aimed' && aim.isOfRedrive !== true && kill.hasStruck()) await kill.struck;
  const violations = [...checkInvariants(await evidenceOf(app, { load, report, before, began }))];
  if (mode === 'aimed' && aim.isEach === true) {
    intercept(stage, undefined, pass);
    if (report.state !== 'completed') violations.push(`I19: a row that kills has ended the run as ${report.state}`);
  }
  if (mode === 'aimed' && aim.isOfRedrive === true) intercept(stage, { aim, kill }, pass);
  violations.push(...(await redrive(stage, load, runId)));
  if (mode === 'aimed') {
    kills = kill.kills();
    what.push(kill.hasStruck() ? `killed ${aim.what}` : `no request ${aim.what}`);
  }
  if (mode === 'network') what.push(`${weather.struck()} connections cut or stalled`);
  intercept(stage, undefined, pass);
  const described = `${load.operation}, ${load.rowCount} rows, ${what.join(', ')}`;
  return { violations, state: report.state, kills, cuts: weather.struck(), what: described };
}

interface Aimed {
  readonly aim: Aim;
  readonly kill: AimedKill;
}

function intercept({ storage, environment }: Stage, aimed: Aimed | undefined, otherwise: Interception): void {
  storage.intercept(aimed?.aim.through === 'storage' ? aimed.kill : otherwise);
  environment.intercept(aimed?.aim.through === 'environment' ? aimed.kill : otherwise);
}

async function prepare(stage: Stage, load: Load, random: Random): Promise<void> {
  const { app } = stage;
  intercept(stage, undefined, pass);
  await app.control('POST', 'reset', { rows: true, counters: true });
  await app.control('DELETE', 'faults');
  await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 0, batch: 0 } } });
  if (load.operation === 'update' || load.operation === 'delete') {
    const source = await app.put('chaos/before.csv', rowsBefore(load));
    await app.run(specOf(source, 'upsert', {}));
  }
  await app.control('PATCH', 'settings', { hint: 4, latency: { overheadMs: { bulk: 150, batch: 60 } } });
  if (random.chance(0.5)) {
    await app.control('POST', 'faults', {
      kind: 'commitThenDrop',
      match: { method: 'POST' },
      probability: 0.1,
      times: 3,
    });
  }
}

function specOf(source: object, operation: Load['operation'], options: object): object {
  const key = operation === 'create' ? {} : { key: ['fan_geonameid'] };
  return { connection: 'main', source, target: { table: 'fan_city', operation, ...key }, options };
}

/** Starts the run, again with the same key when the host was killed over it: that is the same run. */
async function startRun(app: App, seed: number, load: Load, random: Random): Promise<string> {
  const source = await app.put(`chaos/${seed}.csv`, load.csv);
  const spec = specOf(source, load.operation, { rowsPerRequest: random.between(20, 100) });
  const key = randomUUID();
  return patiently(async () => (await app.client.startRun(spec, key)).runId);
}

const patienceMs = 60_000;

/** Asks until the host is there again. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (const beganMs = Date.now(); ;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() - beganMs > patienceMs) throw error;
      await delay(300);
    }
  }
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof Error) || !error.message.includes('409')) throw error;
}

/** I16: what was left, and nothing else, is sent again. */
async function redrive({ app }: Stage, load: Load, runId: string): Promise<string[]> {
  const left = await leftKeys(app, load, runId);
  const began = await lastSequence(app);
  const headers = { 'idempotency-key': randomUUID(), 'content-type': 'application/json' };
  const again = await patiently(async () => {
    const response = await app.api(`/api/runs/${runId}/redrive`, { method: 'POST', headers, body: '{}' });
    if (response.status !== 202) throw new Error(`redrive answered ${response.status}: ${await response.text()}`);
    return ((await response.json()) as { readonly runId: string }).runId;
  });
  const report = await patiently(async () => (await app.ended(again)).report);
  const strangers = (await commitsAfter(app, began)).filter(({ key }) => !left.has(key));
  return [
    ...strangers.map(({ key }) => `I16: the redrive wrote ${key}, which was done`),
    ...(report.rowsTotal === left.size
      ? []
      : [`I16: ${report.rowsTotal ?? 0} rows are redriven, ${left.size} were left`]),
    ...(report.state === 'completed' ? [] : [`I10: the redrive ended as ${report.state}: ${report.reason ?? ''}`]),
  ];
}

async function leftKeys(app: App, load: Load, runId: string): Promise<ReadonlySet<string>> {
  const { parts } = await evidenceOf(app, {
    load,
    report: await app.client.getReport(runId),
    before: new Set(),
    began: 0,
  });
  const done = new Set<number>();
  for (const { firstRow, rowCount, exceptions } of parts) {
    for (let row = firstRow; row < firstRow + rowCount; row += 1) done.add(row);
    for (const { row, outcome } of exceptions)
      if (outcome === 'rejected' || outcome === 'unknown' || outcome === 'notAttempted') done.delete(row);
  }
  return new Set(expectedRows(load).flatMap(({ row, key }) => (done.has(row) ? [] : [key])));
}
