import type { SendRowsInput, SendRowsOutput } from '../plan/payloads.ts';
import { createBreaker } from './breaker.ts';
import type { LaneDeps } from './lane-deps.ts';
import { newTally, reportOf } from './lane-tally.ts';
import { runLane } from './lane.ts';

/**
 * Activity: one lane. Works through its stretches with one request in flight, commits a part for each slice, and stops when its work or
 * its time box ends. Runs at least once: rows whose part is in the ledger are adopted, not sent.
 */
export function createSendRows(deps: LaneDeps): (input: SendRowsInput) => Promise<SendRowsOutput> {
  return async (input) => {
    const plan = await deps.planOf(input.runId);
    const tally = newTally();
    const breaker = createBreaker(plan.manifest.spec.options.tolerate.inARow);
    const stop = await runLane({ deps, plan, input, tally, boxEndsMs: boxEndOf(input, deps.clock.now()), breaker });
    return reportOf(tally, stop);
  };
}

/** A lane that starts late still gets this long: else a wave that the platform delays would do nothing. */
const leastLaneMs = 3_000;

function boxEndOf(input: SendRowsInput, nowMs: number): number {
  return Math.max(Date.parse(input.boxEndsAt), nowMs + leastLaneMs);
}
