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
    fit = learn(fit, sends, Math.round(sends.rows * badShare), 10);
    size = sizeRequests(fit, size);
  }
  return { size, fit };
}

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

  it('is not changed for a small gain', () => {
    const { fit } = settle({ a: 150, b: 24.7 });
    const best = sizeRequests(fit, 1_000);
    expect(sizeRequests(fit, Math.round(best * 1.1))).toBe(Math.round(best * 1.1));
  });
});

describe('inflationOf', () => {
  it('says how much slower rows became, whatever the size of the requests', () => {
    let { fit } = settle({ a: 150, b: 24.7 });
    for (let turn = 0; turn < 10; turn += 1) fit = learn(fit, wave({ a: 150, b: 24.7 }, 40), 0, 10);
    expect(inflationOf(fit)).toBeLessThan(1.05);
    for (let turn = 0; turn < 10; turn += 1) fit = learn(fit, wave({ a: 150, b: 37 }, 60), 0, 10);
    expect(inflationOf(fit)).toBeGreaterThan(1.4);
  });
});
