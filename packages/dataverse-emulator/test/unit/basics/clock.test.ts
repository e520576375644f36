import { describe, expect, it } from 'vitest';
import { scaledClock } from '../../../src/basics/clock.ts';

describe('scaledClock', () => {
  it('passes its factor times as fast, and waits so much less', async () => {
    const clock = scaledClock(1000);
    const [start, real] = [clock.now(), Date.now()];
    await clock.until(start + 60_000);
    expect(clock.now()).toBeGreaterThanOrEqual(start + 60_000);
    expect(Date.now() - real).toBeLessThan(5000);
  });
});
