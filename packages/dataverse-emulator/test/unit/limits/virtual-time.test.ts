import { describe, expect, it } from 'vitest';
import { LatencyModel, type Work } from '../../../src/latency/latency-model.ts';
import { ServiceProtection } from '../../../src/limits/service-protection.ts';
import { profiles } from '../../../src/settings/profiles.ts';
import { createRandom } from '../../../src/basics/random.ts';

const upsert100: Work = { kind: 'bulk', isWrite: true, rows: { upsert: 100 } };
const user = 'u';

interface Outcome {
  readonly rowsPerSecond: number;
  readonly refusals: number;
  readonly earlyRetries: number;
}

/** Lanes that keep one request in flight each and all wait when one is told to, in virtual time. */
function simulate(profile: string, lanes: number, seconds: number): Outcome {
  const settings = profiles.get(profile)!;
  const protection = new ServiceProtection(settings.limits);
  const latency = new LatencyModel(settings.latency, createRandom(1));
  const routing = createRandom(2);
  const events: { at: number; run: (now: number) => void }[] = [];
  const schedule = (at: number, run: (now: number) => void): void => void events.push({ at, run });
  let [running, rows, refusals, notBefore] = [0, 0, 0, 0];
  const send = (now: number): void => {
    if (now < notBefore) {
      schedule(notBefore, send);
      return;
    }
    const server = Math.floor(routing.next() * settings.servers);
    const answer = protection.tryAdmit({ user, server, isWrite: true, nowMs: now });
    if (!answer.admitted) {
      refusals += 1;
      notBefore = Math.max(notBefore, now + answer.retryAfterSeconds * 1000);
      schedule(notBefore, send);
      return;
    }
    running += 1;
    const { totalMs, executionMs } = latency.duration(upsert100, running, now);
    schedule(now + totalMs, (end) => {
      running -= 1;
      rows += 100;
      protection.complete(answer.ticket, end, executionMs);
      schedule(end + 5, send);
    });
  };
  for (let lane = 0; lane < lanes; lane += 1) schedule(lane, send);
  for (;;) {
    let first = 0;
    for (let index = 1; index < events.length; index += 1) if (events[index]!.at < events[first]!.at) first = index;
    const [next] = events.splice(first, 1);
    if (next === undefined || next.at > seconds * 1000) break;
    next.run(next.at);
  }
  return { rowsPerSecond: rows / seconds, refusals, earlyRetries: protection.counters().get(user)?.earlyRetries ?? 0 };
}

describe('limits and latency in virtual time', () => {
  it('let three requests in flight run for hours on one server without a refusal', () => {
    const { rowsPerSecond, refusals } = simulate('documented-1', 3, 10_000);
    expect(refusals).toBe(0);
    expect(rowsPerSecond).toBeGreaterThan(100);
  });

  it('stop eight in flight at what the execution-time limit sustains, without early retries of an obedient client', () => {
    const { rowsPerSecond, refusals, earlyRetries } = simulate('documented-1', 8, 10_000);
    const sustained = (4 * 100_000) / 2620;
    expect(refusals).toBeGreaterThan(0);
    expect(earlyRetries).toBe(0);
    expect(rowsPerSecond).toBeLessThan(sustained);
  });

  it('grow with the servers', () => {
    const one = simulate('documented-1', 3, 2000).rowsPerSecond;
    const twelve = simulate('documented-12', 36, 2000).rowsPerSecond;
    expect(twelve / one).toBeCloseTo(12, 0);
  });

  it('slow a silent queue down instead of refusing', () => {
    const narrow = simulate('silent-queue', 40, 100);
    const wide = simulate('silent-queue', 80, 100);
    expect(wide.rowsPerSecond / narrow.rowsPerSecond).toBeLessThan(1.1);
  });
});
