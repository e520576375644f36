import { sprintLanes } from '../../src/plan/estimate.ts';
import { EventQueue } from './event-queue.ts';
import { Recorder } from './recorder.ts';
import { SharedGovernor, startRun } from './run.ts';
import { environmentOf } from './scenarios.ts';
import { sum } from '../../src/plan/sum.ts';
import { World } from './world.ts';

export interface ShortJob {
  readonly profile: string;
  readonly rows: number;
  readonly seed: number;
  readonly seconds: number | null;
  /** At the rate that can be sustained for ever, all the time. */
  readonly sustainedSeconds: number;
  readonly throttled: number;
}

const longestSeconds = 3_600;
const connection = { beyondHint: true, affinity: true };

/** A whole job on an idle environment, as large as a share of what fits the credit. */
export function runShortJob(profile: string, share: number, seed: number): ShortJob {
  const environment = environmentOf(profile);
  const sustained = environment.hint ?? 0;
  const rowSeconds = 0.0262 * 1.04;
  const rows = Math.floor((share * creditOf(sustained)) / rowSeconds);
  const queue = new EventQueue();
  const recorder = new Recorder();
  const world = new World(environment, { queue, recorder, seed });
  const run = startRun({ queue, world, recorder }, new SharedGovernor(), {
    runId: 'run',
    user: 'us',
    rows,
    connection,
  });
  queue.runUntil(longestSeconds * 1_000);
  return {
    profile,
    rows,
    seed,
    seconds: run.endedMs === null ? null : run.endedMs / 1_000,
    sustainedSeconds: (rows * rowSeconds) / sustained,
    throttled: sum(recorder.seconds('us'), ({ throttled }) => throttled),
  };
}

/** The largest job, in seconds of execution, that is planned as a sprint. */
function creditOf(sustained: number): number {
  let seconds = 0;
  while (sprintLanes({ sustained, workSeconds: seconds + 1, spentSeconds: 0 }) !== undefined) seconds += 1;
  return seconds;
}
