import type { Interval } from '../../src/plan/estimate.ts';
import { certain } from '../../src/plan/estimate.ts';
import { secondsLeft } from '../../src/plan/forecast.ts';
import { totalOf } from '../../src/plan/outcome.ts';
import { planJob, type JobPlan } from '../../src/plan/plan-job.ts';
import { statusOf, withLive } from '../../src/plan/progress.ts';
import { costLearned } from '../../src/plan/run-state.ts';
import { table } from '../common/markdown.ts';
import { EventQueue } from './event-queue.ts';
import { Recorder } from './recorder.ts';
import { SharedGovernor, startRun, type ConnectionChoice, type SimulatedRun } from './run.ts';
import { oddScenarios, profileScenarios, type Scenario } from './scenarios.ts';
import { sum } from '../../src/plan/sum.ts';
import { maximum } from './simulate.ts';
import { World } from './world.ts';

/** Whether what was told beforehand, and on the way, held the truth. */
export interface ForecastRow {
  readonly connection: string;
  /** How long the jobs would take at the physical maximum. */
  readonly idealSeconds: number;
  readonly jobs: number;
  readonly assumed: PlanScore;
  readonly measured: PlanScore;
  readonly forecast: PlanScore;
}

interface PlanScore {
  /** Share of the intervals that held the end. */
  readonly held: number;
  /** Share of ends before the interval. */
  readonly early: number;
  /** Longest over shortest time of the interval in the middle. */
  readonly width: number;
}

const connections: readonly (readonly [string, ConnectionChoice])[] = [
  ['the defaults', { beyondHint: false, affinity: false }],
  ['`beyondHint`, `serverAffinity` auto', { beyondHint: true, affinity: true }],
];
const idealSeconds = [10, 60, 300, 1_200];
/** Those whose clocks differ; others of the profiles are the same to a plan. */
const names = ['documented-1', 'documented-4', 'documented-12', 'ppds-dev', 'shared-gateway', 'elastic'];
const oddNames = ['alternate key', 'bad rows', 'hint too low'];
const scenarios = [
  ...profileScenarios.filter(({ name }) => names.includes(name)),
  ...oddScenarios.filter(({ name }) => oddNames.includes(name)),
];
/** A job of so many seconds has taught what rows cost. */
const lessonSeconds = 60;
/** Moments of a run at which its end is foretold. */
const moments = 20;

export function studyForecasts(seeds: readonly number[]): readonly ForecastRow[] {
  return connections.flatMap(([name, connection]) =>
    idealSeconds.map((ideal) => {
      const jobs = scenarios.flatMap((scenario) => seeds.map((seed) => judge(scenario, connection, ideal, seed)));
      return {
        connection: name,
        idealSeconds: ideal,
        jobs: jobs.length,
        assumed: scoreOf(jobs.map((job) => job.assumed)),
        measured: scoreOf(jobs.map((job) => job.measured)),
        forecast: scoreOf(jobs.flatMap((job) => job.told)),
      };
    }),
  );
}

export function forecastTable(rows: readonly ForecastRow[]): string {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const cells = ({ held, early, width }: PlanScore): readonly string[] => [
    percent(held),
    percent(early),
    width.toFixed(1),
  ];
  const heads = ['plan, costs assumed', 'plan, costs measured', 'on the way'].flatMap((what) => [
    `${what}: held the end`,
    'ended before',
    'longest / shortest',
  ]);
  return table([
    ['settings of the connection', 'seconds at the maximum', 'jobs', ...heads],
    ...rows.map((row) => [
      row.connection,
      row.idealSeconds.toString(),
      row.jobs.toString(),
      ...cells(row.assumed),
      ...cells(row.measured),
      ...cells(row.forecast),
    ]),
  ]);
}

/** What was said, and what was true. */
interface Said {
  readonly said: Interval;
  readonly seconds: number;
}

function scoreOf(all: readonly Said[]): PlanScore {
  const widths = all.map(({ said }) => said.most / Math.max(1, said.least)).toSorted((one, two) => one - two);
  const share = (test: (one: Said) => boolean): number => all.filter(test).length / all.length;
  return {
    held: share(({ said, seconds }) => seconds >= said.least && seconds <= said.most),
    early: share(({ said, seconds }) => seconds < said.least),
    width: widths[Math.floor(widths.length / 2)] ?? 1,
  };
}

function judge(
  scenario: Scenario,
  connection: ConnectionChoice,
  ideal: number,
  seed: number,
): { readonly assumed: Said; readonly measured: Said; readonly told: readonly Said[] } {
  const lesson = playJob(scenario, connection, lessonSeconds, seed + 1_000, undefined);
  const { cost } = costLearned(lesson.run.state);
  const plan = (rows: number, known: typeof cost): JobPlan => planOf(scenario, connection, rows, known);
  const job = playJob(scenario, connection, ideal, seed, (rows) => plan(rows, cost));
  return {
    assumed: { said: plan(job.rows, undefined).seconds, seconds: job.seconds },
    measured: { said: plan(job.rows, cost).seconds, seconds: job.seconds },
    told: pick(job.told, moments).map(({ said, atSeconds }) => ({ said, seconds: job.seconds - atSeconds })),
  };
}

function planOf(
  { environment }: Scenario,
  { beyondHint }: ConnectionChoice,
  rows: number,
  cost: ReturnType<typeof costLearned>['cost'],
): JobPlan {
  return planJob({
    rows: certain(rows),
    operation: 'upsert',
    byAlternateKey: environment.work === 'upsertByKey',
    isElastic: environment.name === 'elastic',
    cost,
    rowsPerRequest: undefined,
    bounds: { hint: environment.hint, ceiling: undefined, mostLanes: 1_024, beyondHint },
  });
}

function pick<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, at) => items[Math.floor((at * items.length) / count)] as T);
}

interface PlayedJob {
  readonly run: SimulatedRun;
  readonly rows: number;
  readonly seconds: number;
  readonly told: readonly { readonly said: Interval; readonly atSeconds: number }[];
}

/** Plays a job to its end; every second somebody asks when that will be. */
function playJob(
  scenario: Scenario,
  connection: ConnectionChoice,
  ideal: number,
  seed: number,
  planFor: ((rows: number) => JobPlan) | undefined,
): PlayedJob {
  const queue = new EventQueue();
  const recorder = new Recorder();
  const world = new World(scenario.environment, { queue, recorder, seed });
  const rows = Math.round(maximum(scenario, {}) * ideal);
  const run = startRun({ queue, world, recorder }, new SharedGovernor(), {
    runId: 'run',
    user: 'us',
    rows,
    connection,
  });
  const told: { readonly said: Interval; readonly atSeconds: number }[] = [];
  const plan = planFor?.(rows);
  let wave = { number: -1, startedAt: '' };
  const ask = (): void => {
    if (run.endedMs !== null) return;
    const { nowMs } = queue;
    if (run.state.wave !== wave.number) wave = { number: run.state.wave, startedAt: new Date(nowMs).toISOString() };
    const { progress } = statusOf('running', run.state);
    if (plan !== undefined && progress !== null) {
      const sentRows = sum(recorder.seconds('us'), (second) => second.rows);
      const ahead = { wave: wave.number, rows: Math.max(0, sentRows - totalOf(run.state.counts)) };
      const live = withLive(progress, [{ ...ahead, counts: {}, requests: 0, throttled: 0 }], {
        waveStartedAt: wave.startedAt,
        nowMs,
      });
      const said = secondsLeft({ plan, told: progress, live, sent: run.state.sent }, nowMs);
      if (said !== null && live.rowsDone < rows) told.push({ said, atSeconds: nowMs / 1_000 });
    }
    queue.after(1_000, ask);
  };
  queue.at(1_000, ask);
  const longestMs = 20 * 3_600_000;
  while (run.endedMs === null && queue.nowMs < longestMs) queue.runUntil(queue.nowMs + 60_000);
  if (run.endedMs === null) throw new Error(`A job on ${scenario.name} did not end.`);
  return { run, rows, seconds: run.endedMs / 1_000, told };
}
