import { sum } from '../../src/plan/sum.ts';
import { baselines } from './baselines.ts';
import { earliestAt, meansAfterChange, startOf } from './earliest.ts';
import { changeAtSeconds, changeScenarios, oddScenarios, profileScenarios, type Scenario } from './scenarios.ts';
import {
  engine,
  maximum,
  measure,
  nameOf,
  play,
  anyServer,
  asInstalled,
  withinHint,
  settled,
  type Measured,
  type Strategy,
} from './simulate.ts';
import { shareRun, type Shared } from './two-runs.ts';

export interface Row extends Measured {
  readonly scenario: string;
  readonly note: string;
  readonly strategy: string;
  /** The seed with the lowest efficiency. */
  readonly worst: number;
  readonly maximumRowsPerSecond: number;
  /** Requests before the wait last told to the identity was over, whoever was told; over all seeds. */
  readonly earlyRetries: number;
}

export interface ChangeRow {
  readonly scenario: string;
  readonly note: string;
  readonly strategy: string;
  /** Mean over the seeds that settled. */
  readonly seconds: number | null;
  readonly slowestSeconds: number | null;
  readonly unsettledSeeds: number;
  /** When a client that knew of the change could be there, mean over the seeds; and how much later the slowest seed was. */
  readonly possibleSeconds: number | null;
  readonly latestBehind: number | null;
}

export interface Studies {
  readonly seeds: readonly number[];
  readonly profiles: readonly Row[];
  readonly odd: readonly Row[];
  readonly changes: readonly ChangeRow[];
  readonly twoRuns: readonly Shared[];
}

export const strategies: readonly Strategy[] = [
  engine,
  anyServer,
  withinHint,
  asInstalled,
  ...baselines.map((baseline) => ({ kind: 'baseline' as const, baseline })),
];

export function runStudies(seeds: readonly number[]): Studies {
  return {
    seeds,
    profiles: profileScenarios.flatMap((scenario) => strategies.map((strategy) => study(scenario, strategy, seeds))),
    odd: oddScenarios.flatMap((scenario) => strategies.map((strategy) => study(scenario, strategy, seeds))),
    changes: changeScenarios.flatMap((scenario) =>
      [engine, anyServer].map((strategy) => studyChange(scenario, strategy, seeds)),
    ),
    twoRuns: seeds.map((seed) => shareRun(seed)),
  };
}

export function study(scenario: Scenario, strategy: Strategy, seeds: readonly number[]): Row {
  // Where others join in late, the measure begins a minute after they did.
  const from = Math.max(60, ...scenario.foreign.map(({ fromSeconds }) => fromSeconds + 60));
  const results = seeds.map((seed) => {
    const trace = play(scenario, strategy, { seed, seconds: from + 600 });
    return { ...measure(trace.seconds, scenario, from), early: trace.world.earlyRetries('us') };
  });
  const mean = (value: (one: (typeof results)[number]) => number): number => sum(results, value) / results.length;
  const settling = results.map(({ settledAfterSeconds }) => settledAfterSeconds);
  return {
    scenario: scenario.name,
    note: scenario.note,
    strategy: nameOf(strategy),
    rowsPerSecond: mean((one) => one.rowsPerSecond),
    efficiency: mean((one) => one.efficiency),
    efficiencyAt100: mean((one) => one.efficiencyAt100),
    worst: Math.min(...results.map((one) => one.efficiency)),
    requests: mean((one) => one.requests),
    throttledShare: mean((one) => one.throttledShare),
    settledAfterSeconds: meanOf(settling),
    maximumRowsPerSecond: maximum(scenario, {}),
    earlyRetries: sum(results, ({ early }) => early),
  };
}

const secondsAfterChange = 900;

export function studyChange(scenario: Scenario, strategy: Strategy, seeds: readonly number[]): ChangeRow {
  const environment = scenario.changes.reduce((last, { patch }) => ({ ...last, ...patch }), scenario.environment);
  const target = 0.9 * maximum(scenario, { environment, size: 100 });
  const results = seeds.map((seed) => {
    const seconds = changeAtSeconds + secondsAfterChange;
    const trace = play(scenario, strategy, { seed, seconds, startSeconds: startOf(seed) });
    const possible = earliestAt(scenario, strategy, { seed, environment, rowsPerSecond: target });
    return {
      seconds: settled(trace.seconds, target, { from: changeAtSeconds, during: meansAfterChange }),
      possible,
    };
  });
  const known = results.flatMap((result) => result.seconds ?? []);
  const behind = results.flatMap(({ seconds, possible }) =>
    seconds === null || possible === null ? [] : [seconds - possible],
  );
  return {
    scenario: scenario.name,
    note: scenario.note,
    strategy: nameOf(strategy),
    seconds: meanOf(results.map(({ seconds }) => seconds)),
    slowestSeconds: known.length === 0 ? null : Math.max(...known),
    unsettledSeeds: results.length - known.length,
    possibleSeconds: meanOf(results.map(({ possible }) => possible)),
    latestBehind: behind.length === 0 ? null : Math.max(0, ...behind),
  };
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : sum(known, (value) => value) / known.length;
}
