import { sum } from '../../src/plan/sum.ts';
import { startBaseline, startForeign, type Baseline } from './baselines.ts';
import { ceilingOf } from './ceiling.ts';
import { EventQueue } from './event-queue.ts';
import { Recorder, type Second } from './recorder.ts';
import { SharedGovernor, startRun, type ConnectionChoice, type SimulatedRun } from './run.ts';
import type { Scenario } from './scenarios.ts';
import { World, type Environment } from './world.ts';

export type Strategy =
  | { readonly kind: 'engine'; readonly name: string; readonly connection: ConnectionChoice }
  | { readonly kind: 'baseline'; readonly baseline: Baseline };

/** The engine with what a connection's settings may choose: the defaults, looking for the ceiling, and choosing servers as well. */
const engineWith = (name: string, connection: ConnectionChoice): Strategy => ({ kind: 'engine', name, connection });
export const engine = engineWith('engine', { beyondHint: true, affinity: true });
export const anyServer = engineWith('engine, `beyondHint`', { beyondHint: true, affinity: false });
export const withinHint = engineWith('engine, `serverAffinity` auto', { beyondHint: false, affinity: true });
export const asInstalled = engineWith('engine, defaults', { beyondHint: false, affinity: false });

export const nameOf = (strategy: Strategy): string =>
  strategy.kind === 'baseline' ? strategy.baseline.name : strategy.name;

export interface Trace {
  readonly seconds: readonly Second[];
  readonly world: World;
  readonly run: SimulatedRun | undefined;
  readonly recorder: Recorder;
}

/** Rows enough that no run ends before the clock. */
const endlessRows = 100_000_000;

/** Plays a scenario for so many seconds of virtual time. */
export function play(
  scenario: Scenario,
  strategy: Strategy,
  options: { seed: number; seconds: number; startSeconds?: number; watch?: (second: number, world: World) => void },
): Trace {
  const queue = new EventQueue();
  const recorder = new Recorder();
  const world = new World(scenario.environment, { queue, recorder, seed: options.seed });
  const parts = { queue, world, recorder };
  for (const { atSeconds, patch } of scenario.changes) queue.at(atSeconds * 1_000, () => world.change(patch));
  for (const { user, inFlight, fromSeconds } of scenario.foreign) {
    // The same identity for the limits; its rows and throttles are not counted as ours.
    const name = user === 'us' ? 'us (another client)' : user;
    queue.at(fromSeconds * 1_000, () => startForeign(parts, name, inFlight));
  }
  const run =
    strategy.kind === 'engine'
      ? startRun(parts, new SharedGovernor(), {
          runId: 'run',
          user: 'us',
          rows: endlessRows,
          startMs: (options.startSeconds ?? 0) * 1_000,
          connection: strategy.connection,
        })
      : undefined;
  if (strategy.kind === 'baseline') startBaseline(parts, strategy.baseline, 'us');
  for (let second = 1; second <= options.seconds; second += 1)
    queue.at(second * 1_000, () => {
      recorder.tick(second * 1_000);
      options.watch?.(second, world);
    });
  queue.runUntil(options.seconds * 1_000);
  return { seconds: recorder.seconds('us'), world, run, recorder };
}

export interface Measured {
  readonly rowsPerSecond: number;
  /** Of the best any client could do. */
  readonly efficiency: number;
  /** Of the best any client could do with 100 rows a request. */
  readonly efficiencyAt100: number;
  readonly requests: number;
  readonly throttledShare: number;
  /** Until a minute's mean reaches 90 % of the run's own later rate and keeps it for a minute; from the start of the trace. */
  readonly settledAfterSeconds: number | null;
}

export const warmUpSeconds = 60;
export const measuredSeconds = 600;

export function measure(
  seconds: readonly Second[],
  scenario: Scenario,
  from = warmUpSeconds,
  to = from + measuredSeconds,
): Measured {
  const window = seconds.slice(from, to);
  const rowsPerSecond = sum(window, ({ rows }) => rows) / (to - from);
  const requests = sum(window, (second) => second.requests);
  const throttled = sum(window, (second) => second.throttled);
  const best = maximum(scenario, {});
  return {
    rowsPerSecond,
    efficiency: rowsPerSecond / best,
    efficiencyAt100: rowsPerSecond / maximum(scenario, { size: 100 }),
    requests,
    throttledShare: throttled / Math.max(1, throttled + requests),
    settledAfterSeconds: settled(seconds, 0.9 * maximum(scenario, { size: 100 })),
  };
}

/** The physical maximum of the scenario's environment, less what foreign traffic takes of our own budget. */
export function maximum(
  scenario: Scenario,
  options: { readonly size?: number; readonly environment?: Environment },
): number {
  const environment = options.environment ?? scenario.environment;
  const size = options.size === undefined ? {} : { size: options.size };
  const others = sum(scenario.foreign, ({ user, inFlight }) => (user === 'them' ? inFlight : 0));
  const ours = sum(scenario.foreign, ({ user, inFlight }) => (user === 'us' ? inFlight : 0));
  const ceiling = ceilingOf(environment, { ...size, foreignInFlight: others + ours });
  return ceiling.rowsPerSecond * Math.max(0, 1 - ours / ceiling.inFlight);
}

const settlingWindow = 30;

/** First second from which the mean of half a minute is at least the target, and of all that is said. */
export function settled(
  seconds: readonly Second[],
  target: number,
  { from = 0, during = [settlingWindow] }: { readonly from?: number; readonly during?: readonly number[] } = {},
): number | null {
  for (let at = from; at + Math.max(...during) <= seconds.length; at += 1) {
    const rate = Math.min(...during.map((window) => sum(seconds.slice(at, at + window), ({ rows }) => rows) / window));
    if (rate >= target) return at - from;
  }
  return null;
}
