import { describe, expect, it } from 'vitest';
import { runShortJob } from '../../../bench/simulator/short-jobs.ts';
import { estimateJob, sprintLanes, type Job } from '../../../src/plan/estimate.ts';

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
