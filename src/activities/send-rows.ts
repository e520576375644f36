import type { SendRowsInput, SendRowsOutput } from '../plan/payloads.ts';
import { createServerPin } from '../dataverse/server-pin.ts';
import { createBreaker } from './breaker.ts';
import type { LaneDeps } from './lane-deps.ts';
import { newTally, placeOf, reportOf } from './lane-tally.ts';
import { runLane, sayFarewell } from './lane.ts';

/**
 * Activity: one lane. Works through its stretches with one request in flight, commits a part for each slice, and stops when its work or
 * its time box ends. Runs at least once: rows whose part is in the ledger are adopted, not sent.
 */
export function createSendRows(deps: LaneDeps): (input: SendRowsInput) => Promise<SendRowsOutput> {
  return async (input) => {
    const plan = await deps.planOf(input.runId);
    const client = deps.clientOf(plan.manifest.spec.connection);
    // It is read while the lane finds out where it begins.
    const waitsRecalled = deps.recallWaits(input.runId, client);
    const tally = newTally();
    const breaker = createBreaker(plan.manifest.spec.options.tolerate.inARow);
    const { route } = input;
    const pin = route === undefined ? undefined : createServerPin(route);
    const nowMs = deps.clock.now();
    const lane = {
      deps,
      plan,
      input,
      tally,
      breaker,
      waitsRecalled,
      client: pin === undefined ? client : client.pinnedBy(pin),
      pin,
      boxStartsMs: route === undefined ? nowMs : Date.parse(route.boxStartsAt),
      boxEndsMs: boxEndOf(input, nowMs),
    };
    const stop = await runLane(lane);
    await sayFarewell(lane);
    if (pin === undefined || route === undefined) return reportOf(tally, stop);
    return reportOf(tally, stop, placeOf({ pin, route }, tally, { waitMs: stop.waitMs, nowMs: deps.clock.now() }));
  };
}

/** A lane that starts late still gets this long: else a wave that the platform delays would do nothing. */
const leastLaneMs = 3_000;

function boxEndOf(input: SendRowsInput, nowMs: number): number {
  return Math.max(Date.parse(input.boxEndsAt), nowMs + leastLaneMs);
}
