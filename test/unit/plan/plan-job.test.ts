import { describe, expect, it } from 'vitest';
import { certain } from '../../../src/plan/estimate.ts';
import { planJob, type PlanBounds, type PlannedJob } from '../../../src/plan/plan-job.ts';

const bounds: PlanBounds = { hint: 16, ceiling: undefined, mostLanes: 1_024, beyondHint: false };
const planned = (more: Partial<PlannedJob> = {}) =>
  planJob({
    rows: certain(1_000_000),
    operation: 'upsert',
    byAlternateKey: false,
    isElastic: false,
    cost: undefined,
    rowsPerRequest: undefined,
    bounds,
    ...more,
  });
const cost = { overheadMs: 150, rowMs: 24.7, badShare: 0, requests: 900 };

describe('planJob', () => {
  it('assumes published costs where nothing was measured, and says so by a wide interval', () => {
    const { seconds, basis } = planned();
    expect(basis).toMatchObject({ cost: 'assumed', inFlight: certain(16), inFlightFrom: 'hint' });
    expect(seconds.most / seconds.least).toBeGreaterThan(10);
    // What Microsoft's samples and power-platform-developer-suite measured lies inside.
    for (const rowMs of [10, 24.7, 86.6]) {
      const measured = (1_000_000 * rowMs) / 1_000 / 16;
      expect(measured).toBeGreaterThan(seconds.least);
      expect(measured).toBeLessThan(seconds.most);
    }
  });

  it('assumes other costs for other kinds of work', () => {
    const likely = (more: Partial<PlannedJob>) => planned(more).basis.rowMs.likely;
    expect(likely({ operation: 'create' })).toBeLessThan(likely({ operation: 'update' }));
    expect(likely({ operation: 'update' })).toBeLessThan(likely({ operation: 'delete' }));
    expect(likely({ byAlternateKey: true })).toBeGreaterThan(likely({}));
    expect(likely({ isElastic: true })).toBeCloseTo(likely({}) / 10);
  });

  it('is narrower with costs that an earlier run has measured, and narrower still knows no plan', () => {
    const { seconds, basis } = planned({ cost });
    expect(basis.cost).toBe('measured');
    expect(seconds.most / seconds.least).toBeLessThan(2.2);
    const ideal = (1_000_000 * 0.0247 * 1.05) / 16;
    expect(seconds.likely / ideal).toBeCloseTo(1.1, 1);
  });

  it('counts with anything between a trial and a large environment where nobody has asked it, rather than with the worst', () => {
    const { seconds, basis } = planned({ cost, bounds: { ...bounds, hint: undefined } });
    expect(basis).toMatchObject({ inFlight: { least: 4, most: 50 }, inFlightFrom: 'assumed' });
    const ofTrial = planned({ cost, bounds: { ...bounds, hint: 4 } }).seconds.likely;
    const ofLarge = planned({ cost, bounds: { ...bounds, hint: 48 } }).seconds.likely;
    expect(seconds.least).toBeLessThan(ofLarge);
    expect(seconds.likely).toBeLessThan(ofTrial / 2);
    expect(seconds.most).toBeGreaterThan(ofTrial);
  });

  it('counts with what runs send where the environment was asked and recommends nothing', () => {
    expect(planned({ cost, bounds: { ...bounds, hint: null } }).basis.inFlight).toEqual(certain(4));
  });

  it('believes what earlier runs have found to be sustained before what is recommended', () => {
    const found = { ...bounds, ceiling: 40, beyondHint: true };
    expect(planned({ cost, bounds: found }).basis).toMatchObject({ inFlight: certain(40), inFlightFrom: 'ceiling' });
    const within = planned({ cost, bounds: { ...found, beyondHint: false } });
    expect(within).toMatchObject({ binding: 'lanes', basis: { mostLanes: 16 } });
  });

  it('leaves open that more than the hint is found where it may be looked for', () => {
    const { seconds } = planned({ cost, bounds: { ...bounds, beyondHint: true } });
    expect(seconds.least).toBeLessThan(planned({ cost }).seconds.least / 2);
    expect(seconds.most).toBeCloseTo(planned({ cost }).seconds.most);
  });

  it('sends requests as small as refused rows ask for', () => {
    expect(planned({ cost: { ...cost, badShare: 0.01 } }).basis.rowsPerRequest).toBeLessThan(25);
    expect(planned({ rowsPerRequest: 7 }).requests).toBe(Math.ceil(1_000_000 / 7));
  });
});
