import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addSpent,
  inFlightOverWindow,
  nothingSpent,
  paceFor,
  roomFor,
  spentBetween,
  sumSpent,
  windowSeconds,
  type Spent,
} from '../../../src/plan/spent-time.ts';

const startMs = 1_700_000_000_000;
const work = (fromSeconds: number, toSeconds: number, inFlight: number) => ({
  fromMs: startMs + fromSeconds * 1_000,
  toMs: startMs + toSeconds * 1_000,
  laneSeconds: inFlight * (toSeconds - fromSeconds),
});
const at = (seconds: number): number => startMs + seconds * 1_000;

describe('what was spent', () => {
  it('is known by moment, and forgotten when no window can hold it any more', () => {
    const spent = addSpent(addSpent(nothingSpent, work(0, 100, 4)), work(200, 300, 8));
    expect(spentBetween(spent, at(0), at(100))).toBeCloseTo(400, 0);
    expect(spentBetween(spent, at(100), at(200))).toBeCloseTo(0, 0);
    expect(spentBetween(spent, at(250), at(300))).toBeCloseTo(400, 0);
    const later = addSpent(spent, work(2_000, 2_010, 1));
    expect(spentBetween(later, at(0), at(2_010))).toBeCloseTo(10, 0);
    expect(JSON.stringify(later).length).toBeLessThan(400);
  });

  it('is what was in flight on average, and leaves room as it leaves the window', () => {
    const spent = addSpent(nothingSpent, work(0, 300, 4));
    expect(inFlightOverWindow(spent, at(300))).toBeCloseTo(4);
    expect(inFlightOverWindow(spent, at(450))).toBeCloseTo(2);
    expect(roomFor(spent, 4, { nowMs: at(300), seconds: 60 })).toBeCloseTo(4);
    expect(roomFor(spent, 4, { nowMs: at(450), seconds: 150 })).toBeCloseTo(8);
  });

  it('adds up over servers', () => {
    const sum = sumSpent([addSpent(nothingSpent, work(0, 100, 1)), addSpent(nothingSpent, work(50, 250, 2))]);
    expect(spentBetween(sum, at(0), at(300))).toBeCloseTo(500, 0);
    expect(spentBetween(sum, at(50), at(100))).toBeCloseTo(150, 0);
  });
});

describe('a pace', () => {
  it('never lets the window hold more than is allowed, however uneven the past was, and wastes nothing for long', () => {
    const past = fc.array(
      fc.record({ seconds: fc.integer({ min: 5, max: 60 }), inFlight: fc.integer({ min: 0, max: 9 }) }),
      {
        minLength: 5,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(past, fc.integer({ min: 10, max: 120 }), (pieces, boxSeconds) => {
        let spent: Spent = nothingSpent;
        let seconds = 0;
        for (const piece of pieces) {
          spent = addSpent(spent, work(seconds, seconds + piece.seconds, piece.inFlight));
          seconds += piece.seconds;
        }
        const limit = Math.max(4, inFlightOverWindow(spent, at(seconds)) + 0.01);
        const plan = { allowed: limit, limit, most: 6, nowMs: at(seconds), seconds: boxSeconds, notBeforeMs: 0 };
        for (const [step, used] of paceFor(spent, plan).entries()) {
          const now = seconds + (step + 1) * 10;
          const kept = spentBetween(spent, at(now) - windowSeconds * 1_000, at(seconds));
          expect(kept + used).toBeLessThanOrEqual(limit * windowSeconds + 0.1);
          expect(used).toBeLessThanOrEqual(6 * (step + 1) * 10 + 0.1);
        }
      }),
    );
  });

  it('begins when an ordered wait is over', () => {
    const pace = paceFor(nothingSpent, {
      allowed: 4,
      limit: 4,
      most: 4,
      nowMs: at(0),
      seconds: 40,
      notBeforeMs: at(15),
    });
    expect(pace).toEqual([0, 0, 40, 80]);
  });
});
