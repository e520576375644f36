import { describe, expect, it, vi } from 'vitest';
import { scaledClock, systemClock, virtualClock } from '../../../src/basics/clock.ts';

describe('scaledClock', () => {
  it('passes its factor times as fast, and waits so much less', async () => {
    const clock = scaledClock(1000);
    const [start, real] = [clock.now(), Date.now()];
    await clock.until(start + 60_000);
    expect(clock.now()).toBeGreaterThanOrEqual(start + 60_000);
    expect(Date.now() - real).toBeLessThan(5000);
  });
});

describe('systemClock', () => {
  it('waits on when a timer fires early', async () => {
    vi.useFakeTimers({ now: 1000 });
    let isOver = false;
    void systemClock.until(1100).then(() => (isOver = true));
    // The timer fires although the clock has not got there.
    await vi.advanceTimersByTimeAsync(100);
    expect(isOver).toBe(true);
    vi.setSystemTime(1000);
    isOver = false;
    void systemClock.until(1100).then(() => (isOver = true));
    vi.setSystemTime(950);
    await vi.advanceTimersByTimeAsync(100);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(60);
    expect(isOver).toBe(true);
    vi.useRealTimers();
  });
});

describe('virtualClock', () => {
  it('moves only when told to, and wakes what waits in the order of time', async () => {
    const clock = virtualClock(1000);
    const seen: string[] = [];
    const wait = async (name: string, atMs: number): Promise<void> => {
      await clock.until(atMs);
      seen.push(`${name} ${clock.now()}`);
    };
    void wait('second', 1200);
    void wait('first', 1100).then(() => wait('again', 1150));
    void wait('later', 1501);
    await clock.advance(500);
    expect(seen).toEqual(['first 1100', 'again 1150', 'second 1200']);
    expect(clock.now()).toBe(1500);
    await clock.until(1400);
    await clock.advance(1);
    expect(seen.at(-1)).toBe('later 1501');
  });
});
