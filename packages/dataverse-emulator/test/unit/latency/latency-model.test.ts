import { describe, expect, it } from 'vitest';
import { LatencyModel, type LatencySettings, type Work } from '../../../src/latency/latency-model.ts';
import { profiles } from '../../../src/settings/profiles.ts';
import { createRandom } from '../../../src/basics/random.ts';

const documented = profiles.get('documented')!.latency;
const still: LatencySettings = { ...documented, noiseSigma: 0, tailProbability: 0 };
const upsert100: Work = { kind: 'bulk', isWrite: true, rows: { upsert: 100 } };

const model = (settings: LatencySettings, seed = 1): LatencyModel => new LatencyModel(settings, createRandom(seed));

describe('LatencyModel', () => {
  it('takes overhead and cost per row: 100 upserts by GUID last 2.62 s', () => {
    expect(model(still).duration(upsert100, 1, 0)).toEqual({ totalMs: 2620, executionMs: 2620 });
  });

  it('makes an alternate key 2.5 times as dear', () => {
    const byKey: Work = { kind: 'bulk', isWrite: true, rows: { upsertByKey: 100 } };
    expect(model(still).duration(byKey, 1, 0).totalMs).toBe(6350);
  });

  it('is flat up to the knee, and throughput falls above it', () => {
    const latency = model({ ...still, knee: 10 });
    const perSecond = (running: number): number =>
      (running * 100_000) / latency.duration(upsert100, running, 0).totalMs;
    expect(perSecond(10)).toBeCloseTo(2 * perSecond(5), 6);
    expect(perSecond(1000)).toBeLessThan(perSecond(500));
  });

  it('has noise of mean 1 and a rare long tail', () => {
    const latency = model({ ...still, noiseSigma: 0.3, tailProbability: 0.01, tailFactor: 5 });
    const times = Array.from({ length: 50_000 }, () => latency.duration(upsert100, 1, 0).totalMs);
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    expect(mean / latency.meanMs(upsert100)).toBeCloseTo(1, 1);
    expect(latency.meanMs(upsert100)).toBeCloseTo(2620 * 1.04, 6);
  });

  it('gives the same times for the same seed', () => {
    const times = (seed: number): number[] => {
      const latency = model(documented, seed);
      return Array.from({ length: 20 }, () => latency.duration(upsert100, 1, 0).totalMs);
    };
    expect(times(5)).toEqual(times(5));
    expect(times(5)).not.toEqual(times(6));
  });

  it('charges only a share as execution time where the profile says so', () => {
    expect(model({ ...still, executionShare: 0.9 }).duration(upsert100, 1, 0).executionMs).toBeCloseTo(2358, 6);
  });

  it('lets writes beyond the pool wait in line without charging the wait; reads pass', () => {
    const latency = model({ ...still, knee: null, writePool: 2 });
    const times = [1, 2, 3, 4].map(() => latency.duration(upsert100, 1, 0));
    expect(times.map(({ totalMs }) => totalMs)).toEqual([2620, 2620, 5240, 5240]);
    expect(times[3]?.executionMs).toBe(2620);
    expect(latency.duration({ kind: 'read', isWrite: false, rows: {} }, 1, 0).totalMs).toBe(30);
    expect(latency.duration(upsert100, 1, 10_000).totalMs).toBe(2620);
  });
});
