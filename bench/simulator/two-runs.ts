import { lanesOut } from '../../src/plan/governor.ts';
import { EventQueue } from './event-queue.ts';
import { Recorder } from './recorder.ts';
import { SharedGovernor, startRun } from './run.ts';
import { environmentOf } from './scenarios.ts';
import { sum } from '../../src/plan/sum.ts';
import { World } from './world.ts';

export interface Shared {
  readonly seed: number;
  /** Rows of the first and of the second run while both were under way. */
  readonly rows: readonly [number, number];
  /** The smaller as a share of the mean. */
  readonly fairness: number;
  /** Seconds in which more was in flight than the governor had leased. */
  readonly secondsAboveGrant: number;
}

const connection = { beyondHint: true, affinity: true };
const secondStartsAt = 400;
const endsAt = 1_300;
/** The second run gets its lanes when the first one's box has ended. */
const settledAt = secondStartsAt + 150;

/** Two runs on one connection, the second one later. */
export function shareRun(seed: number): Shared {
  const queue = new EventQueue();
  const recorder = new Recorder();
  const world = new World(environmentOf('documented-4'), { queue, recorder, seed });
  const governor = new SharedGovernor();
  const parts = { queue, world, recorder };
  const users = ['us (first)', 'us (second)'] as const;
  startRun(parts, governor, { runId: 'first', user: users[0], rows: 100_000_000, connection });
  startRun(parts, governor, {
    runId: 'second',
    user: users[1],
    rows: 100_000_000,
    connection,
    startMs: secondStartsAt * 1_000,
  });
  let secondsAboveGrant = 0;
  for (let second = 1; second <= endsAt; second += 1) {
    queue.at(second * 1_000, () => {
      recorder.tick(second * 1_000);
      const inFlight = sum(users, (user) => recorder.seconds(user)[second - 1]?.inFlight ?? 0);
      const leased = sum(Object.values(governor.state.leases), lanesOut);
      if (inFlight > leased) secondsAboveGrant += 1;
    });
  }
  queue.runUntil(endsAt * 1_000);
  const rowsOf = (user: string): number => sum(recorder.seconds(user).slice(settledAt, endsAt), ({ rows }) => rows);
  const rows = [rowsOf(users[0]), rowsOf(users[1])] as const;
  return { seed, rows, fairness: Math.min(...rows) / ((rows[0] + rows[1]) / 2), secondsAboveGrant };
}
