import { describe, expect, it } from 'vitest';
import { runShortJob } from '../../../bench/simulator/short-jobs.ts';
import { certain, estimateJob, sprintLanes, type Job } from '../../../src/plan/estimate.ts';

const job = (more: Partial<Job>): Job => ({
  rows: certain(1_000_000),
  rowsPerRequest: 100,
  overheadMs: 0,
  rowMs: certain(24.7),
  sustained: certain(4),
  mostLanes: 1_024,
  ...more,
});

describe('estimateJob', () => {
  it('knows how long a million rows take on one server and on twelve', () => {
    const one = estimateJob(job({}));
    // 103 minutes and 8.6 are the limits' own; waves and chance take a tenth.
    expect(one.seconds.least / 60).toBeCloseTo(103, 0);
    expect(one.seconds.likely / one.seconds.least).toBeCloseTo(1.1, 1);
    expect(one).toMatchObject({ requests: 10_000, entitledRequests: 1_000_000, binding: 'execution time' });
    expect(estimateJob(job({ sustained: certain(48) })).seconds.least / 60).toBeCloseTo(8.6, 1);
  });

  it('is as uncertain as rows, costs and environment are together', () => {
    const rows = { least: 900_000, likely: 1_000_000, most: 1_100_000 };
    const rowMs = { least: 12.35, likely: 24.7, most: 49.4 };
    const { seconds } = estimateJob(job({ rows, rowMs, sustained: { least: 4, likely: 4, most: 8 } }));
    const sure = estimateJob(job({})).seconds;
    expect(seconds.likely).toBe(sure.likely);
    expect(seconds.most / sure.most).toBeCloseTo(2 * 1.1, 1);
    expect(sure.least / seconds.least).toBeCloseTo((2 / 0.9) * 2, 1);
  });

  it('sees the number of requests bind when they are small', () => {
    const singles = estimateJob(job({ rows: certain(100_000), rowsPerRequest: 1, rowMs: certain(96) }));
    expect(singles.binding).toBe('requests');
    expect(singles.seconds.least).toBeCloseTo(5_000, -1);
  });

  it('sees our own bound on lanes', () => {
    expect(estimateJob(job({ sustained: certain(48), mostLanes: 6 })).binding).toBe('lanes');
  });

  it('lets a job that fits the credit of one window run faster than can be sustained', () => {
    const small = estimateJob(job({ rows: certain(20_000) }));
    expect(small.binding).toContain('credit');
    expect(small.seconds.least).toBeCloseTo((20_000 * 0.0247) / 10 + 2.47);
  });

  it('knows that a request is in flight once: a job of one takes as long as that one', () => {
    const single = estimateJob(job({ rows: certain(8), overheadMs: 150, sustained: certain(48), mostLanes: 48 }));
    expect(single).toMatchObject({ requests: 1, binding: 'none (the job fits the credit of one window)' });
    expect(single.seconds.likely).toBeCloseTo(0.15 + 8 * 0.0247);
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
