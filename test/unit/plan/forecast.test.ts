import { describe, expect, it } from 'vitest';
import { certain } from '../../../src/plan/estimate.ts';
import { secondsLeft, type Course } from '../../../src/plan/forecast.ts';
import { planJob } from '../../../src/plan/plan-job.ts';
import type { RunProgress } from '../../../src/plan/progress.ts';
import type { Sent } from '../../../src/plan/sent.ts';

const rowsTotal = 100_000;
const plan = planJob({
  rows: certain(rowsTotal),
  operation: 'upsert',
  byAlternateKey: false,
  isElastic: false,
  cost: { overheadMs: 150, rowMs: 24.7, badShare: 0, requests: 900 },
  rowsPerRequest: 100,
  bounds: { hint: 16, ceiling: undefined, mostLanes: 1_024, beyondHint: true },
});
const nowMs = Date.parse('2026-11-23T08:10:00Z');

const progress = (more: Partial<RunProgress>): RunProgress => ({
  rowsTotal,
  rowsDone: 0,
  counts: {},
  rowsPerSecond: null,
  wave: 3,
  lanes: 16,
  dopHint: 16,
  rowsPerRequest: 100,
  requests: 100,
  throttled: 0,
  waitingUntil: null,
  ...more,
});

/** A run that has sent at this rate for so long, with so many requests in flight on average. */
function course(rowsPerSecond: number, seconds: number, inFlight: number): Course {
  const rows = rowsPerSecond * seconds;
  const told = progress({ rowsDone: rows, rowsPerSecond });
  const untilMs = nowMs - 5_000;
  const busyMs = seconds * inFlight * 1_000;
  const sent: Sent = { sinceMs: nowMs - seconds * 1_000, untilMs, rows, rowsSent: rows, busyMs };
  return { plan, told, live: told, sent };
}

const left = (known: Course) => {
  const seconds = secondsLeft(known, nowMs);
  if (seconds === null) throw new Error('Nothing was foretold.');
  return seconds;
};

describe('the seconds left', () => {
  it('are the share of the plan until something is measured, and unknown without a plan', () => {
    const half = progress({ rowsDone: rowsTotal / 2 });
    const known = { plan, told: half, live: half, sent: null };
    expect(left(known).likely).toBe(Math.ceil(plan.seconds.likely / 2));
    expect(left(known).least).toBeLessThanOrEqual(plan.seconds.least / 2);
    expect(secondsLeft({ ...known, plan: undefined }, nowMs)).toBeNull();
  });

  it('follow what is measured, whatever was planned', () => {
    const { least, likely, most } = left(course(100, 100, 2));
    const atThisRate = (rowsTotal - 10_000) / 100;
    expect(least).toBeLessThan(atThisRate);
    expect(likely).toBeGreaterThan(atThisRate);
    expect(likely).toBeLessThan(atThisRate * 1.1);
    expect(most).toBeGreaterThan(likely);
    expect(plan.seconds.most).toBeLessThan(likely);
  });

  it('lie between the rate of late and that of the whole run where these differ', () => {
    const known = course(200, 100, 4);
    const { least, most } = left({ ...known, live: { ...known.live, rowsPerSecond: 400 } });
    expect(least).toBeLessThan(80_000 / 400);
    expect(most).toBeGreaterThan(80_000 / 200);
  });

  it('count with the rate that can be sustained once the credit of the window is used', () => {
    // Twice what is sustained: the credit lasts for three minutes, and more is left to do.
    const fast = course(1_000, 60, 32);
    const slow = {
      ...fast,
      live: { ...fast.live, rowsTotal: 1_000_000 },
      told: { ...fast.told, rowsTotal: 1_000_000 },
    };
    const atThisRate = (1_000_000 - 60_000) / 1_000;
    expect(left(slow).most).toBeGreaterThan(atThisRate * 1.8);
    // What is left of this one fits.
    expect(left(fast).most).toBeLessThan(90);
  });

  it('believe that more is sustained than was thought when more was sent than any credit allows', () => {
    const long = course(100, 3_600, 32);
    const known = {
      ...long,
      live: { ...long.live, rowsTotal: 1_000_000 },
      told: { ...long.told, rowsTotal: 1_000_000 },
    };
    expect(left(known).most).toBeLessThan(((1_000_000 - 360_000) / 100) * 1.4);
  });

  it('include a wait that was ordered, and end with the last row', () => {
    const known = course(100, 100, 2);
    const waitingUntil = new Date(nowMs + 300_000).toISOString();
    const waiting = { ...known, live: { ...known.live, waitingUntil } };
    expect(left(waiting).least - left(known).least).toBeCloseTo(300, -1);
    const done = progress({ rowsDone: rowsTotal, rowsPerSecond: 100 });
    expect(secondsLeft({ ...known, live: done }, nowMs)).toEqual(certain(0));
  });
});
