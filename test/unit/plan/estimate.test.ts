import { describe, expect, it } from 'vitest';
import { runShortJob } from '../../../bench/simulator/short-jobs.ts';
import { estimateJob, planJob, sprintLanes, type Job, type PlannedJob } from '../../../src/plan/estimate.ts';

const job = (more: Partial<Job>): Job => ({
  rows: 1_000_000,
  rowsPerRequest: 100,
  overheadMs: 0,
  rowMs: 24.7,
  doubt: 1.2,
  sustained: 4,
  mostLanes: 1_024,
  ...more,
});

describe('estimateJob', () => {
  it('knows how long a million rows take on one server and on twelve', () => {
    const one = estimateJob(job({}));
    expect(one.seconds.likely / 60).toBeCloseTo(103, 0);
    expect(one).toMatchObject({ requests: 10_000, entitledRequests: 1_000_000, binding: 'execution time' });
    expect(estimateJob(job({ sustained: 48 })).seconds.likely / 60).toBeCloseTo(8.6, 1);
  });

  it('gives an interval as wide as the doubt', () => {
    const { seconds } = estimateJob(job({ doubt: 2 }));
    expect(seconds.most / seconds.likely).toBeCloseTo(2);
    expect(seconds.likely / seconds.least).toBeCloseTo(2);
  });

  it('sees the number of requests bind when they are small', () => {
    const singles = estimateJob(job({ rows: 100_000, rowsPerRequest: 1, rowMs: 96 }));
    expect(singles.binding).toBe('requests');
    expect(singles.seconds.likely).toBeCloseTo(5_000);
  });

  it('sees our own bound on lanes', () => {
    expect(estimateJob(job({ sustained: 48, mostLanes: 6 })).binding).toBe('lanes');
  });

  it('lets a job that fits the credit of one window run faster than can be sustained', () => {
    const small = estimateJob(job({ rows: 20_000, doubt: 1 }));
    expect(small.binding).toContain('credit');
    expect(small.seconds.likely).toBeCloseTo((20_000 * 0.0247) / 10);
  });

  it('knows that a request is in flight once: a job of one takes as long as that one', () => {
    const single = estimateJob(job({ rows: 8, overheadMs: 150, sustained: 48, mostLanes: 48 }));
    expect(single).toMatchObject({ requests: 1, binding: 'none (the job fits the credit of one window)' });
    expect(single.seconds.likely).toBeCloseTo(0.15 + 8 * 0.0247);
  });
});

describe('planJob', () => {
  const planned = (more: Partial<PlannedJob> = {}) =>
    planJob({
      rows: 1_000_000,
      operation: 'upsert',
      byAlternateKey: false,
      cost: undefined,
      rowsPerRequest: undefined,
      hint: 16,
      ceiling: undefined,
      mostLanes: 1_024,
      ...more,
    });
  const cost = { overheadMs: 150, rowMs: 24.7, badShare: 0, requests: 900 };

  it('assumes published costs where nothing was measured, and says so by a wide interval', () => {
    const { seconds, basis } = planned();
    expect(basis).toMatchObject({ cost: 'assumed', rowMs: 24.7, inFlight: 16, inFlightFrom: 'hint' });
    expect(seconds.most / seconds.least).toBeCloseTo(9, 0);
    expect(planned({ byAlternateKey: true }).basis.rowMs).toBe(62);
  });

  it('is narrower with costs that an earlier run has measured, and narrower still knows no plan', () => {
    const { seconds, basis } = planned({ cost });
    expect(basis.cost).toBe('measured');
    expect(seconds.most / seconds.least).toBeCloseTo(1.3 ** 2, 1);
    expect(seconds.likely).toBeCloseTo((1_000_000 * 0.0247 * 1.05) / 16, -1);
  });

  it('doubts more where nobody has asked the environment yet', () => {
    const { seconds, basis } = planned({ cost, hint: undefined });
    expect(basis).toMatchObject({ inFlight: 4, inFlightFrom: 'assumed' });
    expect(seconds.most / seconds.likely).toBeCloseTo(2.6);
  });

  it('believes what earlier runs have found to be sustained before what is recommended', () => {
    expect(planned({ cost, ceiling: 40 }).basis).toMatchObject({ inFlight: 40, inFlightFrom: 'ceiling' });
    expect(planned({ cost, ceiling: 40, mostLanes: 16 })).toMatchObject({ binding: 'lanes', basis: { inFlight: 16 } });
  });

  it('sends requests as small as refused rows ask for', () => {
    expect(planned({ cost: { ...cost, badShare: 0.01 } }).basis.rowsPerRequest).toBeLessThan(25);
    expect(planned({ rowsPerRequest: 7 }).requests).toBe(Math.ceil(1_000_000 / 7));
  });
});

describe('sprintLanes', () => {
  it('uses only what the window has left', () => {
    expect(sprintLanes({ sustained: 4, workSeconds: 700, spentSeconds: 0 })).toBe(10);
    expect(sprintLanes({ sustained: 4, workSeconds: 700, spentSeconds: 100 })).toBeUndefined();
  });

  it.each(['documented-1', 'documented-4', 'documented-12'])(
    'is never throttled on %s, whatever the size of the job, and beats the sustained rate',
    (profile) => {
      for (const share of [0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 1]) {
        for (const seed of [1, 2, 3]) {
          const done = runShortJob(profile, share, seed);
          expect(done.throttled).toBe(0);
          if (share >= 0.6) expect(done.seconds).toBeLessThan(done.sustainedSeconds * 1.1);
        }
      }
      expect(runShortJob(profile, 0.8, 1).seconds).toBeLessThan(runShortJob(profile, 0.8, 1).sustainedSeconds);
    },
  );
});
