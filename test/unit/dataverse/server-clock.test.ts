import { describe, expect, it } from 'vitest';
import { createServerClock } from '../../../src/dataverse/server-clock.ts';

const nowMs = Date.parse('2026-01-01T10:00:00.000Z');
const iso = (ms: number) => new Date(ms).toISOString();

/** A clock that has heard answers from a server so far ahead, each 100 ms under way. */
function heard(...aheadMs: number[]) {
  const clock = createServerClock();
  for (const [at, ahead] of aheadMs.entries()) {
    const sentAtMs = nowMs + at * 700;
    clock.note(new Date(sentAtMs + 50 + ahead).toUTCString(), { sentAtMs, heardAtMs: sentAtMs + 100 });
  }
  return clock;
}
const aheadMs = (clock: ReturnType<typeof createServerClock>) => clock.earliest(iso(nowMs)) - nowMs;
const times = (count: number, ms: number) => Array<number>(count).fill(ms);

describe('the clock of the environment', () => {
  it.each([0, 600_000, -600_000])(
    'is known to a second or two when it is %i ms ahead, and never taken too far',
    (ahead) => {
      const told = aheadMs(heard(...times(15, ahead)));
      expect(told).toBeLessThanOrEqual(ahead);
      expect(told).toBeGreaterThan(ahead - 2_100);
      expect(aheadMs(heard(ahead))).toBeGreaterThan(ahead - 2_100);
    },
  );

  it('agrees with ours until an answer tells, in whole seconds', () => {
    const clock = createServerClock();
    clock.note(undefined, { sentAtMs: nowMs, heardAtMs: nowMs });
    clock.note('yesterday', { sentAtMs: nowMs, heardAtMs: nowMs });
    expect(clock.earliest('2026-01-01T10:00:00.700Z')).toBe(nowMs);
  });

  it('is what most answers tell', () => {
    const mixed = [...times(4, 600_000), 0, ...times(6, 600_000), -90_000, 3_600_000];
    expect(Math.abs(aheadMs(heard(...mixed)) - 600_000)).toBeLessThan(2_100);
  });

  it('may be set right', () => {
    expect(Math.abs(aheadMs(heard(...times(15, 600_000), ...times(8, 0))))).toBeLessThan(2_100);
  });

  it('is not known better for an answer that was long under way', () => {
    const clock = createServerClock();
    clock.note(new Date(nowMs + 100_000).toUTCString(), { sentAtMs: nowMs, heardAtMs: nowMs + 120_000 });
    expect(aheadMs(clock)).toBe(-20_000);
  });
});
