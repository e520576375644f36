import { describe, expect, it } from 'vitest';
import {
  addSends,
  inflationOf,
  learn,
  noFit,
  noSends,
  overheadOf,
  sendOf,
  sizeRequests,
  type RequestFit,
} from '../../../src/plan/request-size.ts';

interface Cost {
  readonly a: number;
  readonly b: number;
}

/** A wave of requests of two sizes, as slices that do not divide evenly give them. */
function wave({ a, b }: Cost, size: number, requests = 70, slower = 1) {
  return Array.from({ length: requests }, (_, at) => (at % 7 === 6 ? Math.max(1, Math.round(size / 4)) : size)).reduce(
    (sums, rows) => addSends(sums, sendOf(rows, (a + b * rows) * slower)),
    noSends,
  );
}

/** Lets the size and the fit find each other. */
function settle(cost: Cost, badShare = 0): { size: number; fit: RequestFit } {
  let fit = noFit;
  let size = sizeRequests(fit, null);
  for (let turn = 0; turn < 30; turn += 1) {
    const sends = wave(cost, size);
    fit = learn(fit, sends, { taken: sends.rows, bad: Math.round(sends.rows * badShare) }, 10);
    size = sizeRequests(fit, size);
  }
  return { size, fit };
}

const noneBad = { taken: 2_800, bad: 0 };

describe('the size of requests', () => {
  it('is a hundred rows before anything is known', () => {
    expect(sizeRequests(noFit, null)).toBe(100);
  });

  it('grows until the fixed cost is small', () => {
    const { size, fit } = settle({ a: 150, b: 2.47 });
    expect(size).toBe(1_000);
    expect(overheadOf(fit)).toBeGreaterThan(120);
  });

  it('finds the fixed cost though it was assumed otherwise', () => {
    expect(overheadOf(settle({ a: 600, b: 5 }).fit)).toBeGreaterThan(450);
    expect(overheadOf(settle({ a: 40, b: 5 }).fit)).toBeLessThan(80);
  });

  it('is not led astray by the last row of a slice, sent alone and by chance slow', () => {
    const { fit } = settle({ a: 150, b: 25 });
    const alone = [sendOf(1, 5 * 175), sendOf(1, 175)].reduce(addSends, wave({ a: 150, b: 25 }, 22, 900));
    const after = learn(fit, alone, { taken: alone.rows, bad: 0 }, 40);
    expect(overheadOf(after)).toBeLessThan(220);
    expect(inflationOf(after)).toBeLessThan(1.1);
  });

  it('keeps requests of dear rows short', () => {
    const { size } = settle({ a: 500, b: 400 });
    expect(size * 400).toBeLessThanOrEqual(10_500);
  });

  it.each([
    [0.001, 30, 90],
    [0.01, 8, 28],
  ])('falls with the share of refused rows (%f)', (share, least, most) => {
    const { size } = settle({ a: 150, b: 24.7 }, share);
    expect(size).toBeGreaterThanOrEqual(least);
    expect(size).toBeLessThanOrEqual(most);
  });

  it('rolls back few requests for bad rows, however cheap rows are', () => {
    const { size } = settle({ a: 150, b: 0.1 }, 0.01);
    expect(size).toBeGreaterThan(10);
    expect(size).toBeLessThanOrEqual(20);
  });

  it('learns of bad rows before it knows what requests cost', () => {
    const first = sendOf(100, 2_600);
    expect(sizeRequests(learn(noFit, first, { taken: 900, bad: 10 }, 10), 100)).toBe(16);
    expect(sizeRequests(learn(noFit, first, { taken: 998, bad: 2 }, 10), 100)).toBe(100);
  });

  it('is not smaller for bad rows where no message is rolled back', () => {
    expect(sizeRequests(learn(noFit, noSends, { taken: 900, bad: 100 }, 10), 100)).toBe(100);
  });

  it('counts the rows that went in other requests', () => {
    const { fit } = settle({ a: 150, b: 25 });
    const after = (taken: number) => sizeRequests(learn(fit, noSends, { taken, bad: 100 }, 10), 100);
    expect(after(1_000_000)).toBe(100);
    expect(after(1_000)).toBeLessThan(after(100_000));
  });

  it('is a number also where time stands still', () => {
    const { size } = settle({ a: 0, b: 0 });
    expect(size).toBe(1_000);
  });

  it('is not changed for a small gain', () => {
    const { fit } = settle({ a: 150, b: 24.7 });
    const best = sizeRequests(fit, 1_000);
    expect(sizeRequests(fit, Math.round(best * 1.1))).toBe(Math.round(best * 1.1));
  });
});

describe('inflationOf', () => {
  it('says how much slower rows became, whatever the size of the requests', () => {
    let { fit } = settle({ a: 150, b: 24.7 });
    for (let turn = 0; turn < 10; turn += 1) fit = learn(fit, wave({ a: 150, b: 24.7 }, 40), noneBad, 20);
    expect(inflationOf(fit)).toBeLessThan(1.05);
    for (let turn = 0; turn < 10; turn += 1) fit = learn(fit, wave({ a: 150, b: 37 }, 60), noneBad, 20);
    expect(inflationOf(fit)).toBeGreaterThan(1.4);
  });

  it('takes no measure from waves that ended before their slow requests did', () => {
    let fit = noFit;
    // The fast ones of a first short wave, and then all of them.
    for (let turn = 0; turn < 4; turn += 1) fit = learn(fit, wave({ a: 150, b: 16 }, 200), noneBad, 10);
    for (let turn = 0; turn < 4; turn += 1) fit = learn(fit, wave({ a: 150, b: 25 }, 200), noneBad, 60);
    expect(inflationOf(fit)).toBeLessThan(1.05);
  });
});
