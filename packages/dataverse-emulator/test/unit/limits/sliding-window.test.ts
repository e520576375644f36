import { describe, expect, it } from 'vitest';
import { SlidingWindow } from '../../../src/limits/sliding-window.ts';
import { createRandom } from '../../../src/basics/random.ts';

describe('SlidingWindow', () => {
  it('agrees with a list that is filtered, whatever comes in', () => {
    const random = createRandom(7);
    const window = new SlidingWindow(1000);
    let entries: { at: number; amount: number }[] = [];
    let now = 0;
    for (let step = 0; step < 5000; step += 1) {
      now += Math.floor(random.next() * 20);
      const amount = Math.floor(random.next() * 10);
      window.add(now, amount);
      entries = [...entries.filter(({ at }) => at > now - 1000), { at: now, amount }];
      expect(window.sum(now)).toBe(entries.reduce((sum, entry) => sum + entry.amount, 0));
    }
  });

  it('tells when the sum falls below a limit', () => {
    const window = new SlidingWindow(1000);
    window.add(0, 5);
    window.add(400, 5);
    expect(window.msUntilBelow(11, 500)).toBe(0);
    expect(window.msUntilBelow(10, 500)).toBe(500);
    expect(window.msUntilBelow(5, 500)).toBe(900);
  });

  it('is exactly empty after everything has expired', () => {
    const window = new SlidingWindow(100);
    for (let index = 0; index < 1000; index += 1) window.add(index, 0.1);
    expect(window.sum(2000)).toBe(0);
  });
});
