import { describe, expect, it } from 'vitest';
import { scaledProfile, speed, windowSeconds } from '../../bench/compare/profile.ts';
import { between, type Sample } from '../../bench/durable/samples.ts';
import { storageNameOf } from '../../bench/durable/storage-names.ts';
import { ratiosOf, spreadOf, spreadText, whole } from '../../bench/common/summary.ts';

describe('what benches say', () => {
  it('is the middle of the repeats, with the outer ones', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
    expect(spreadOf([4, 1]).median).toBe(2.5);
    expect(spreadText([1_000, 3_000, 1_200], whole)).toBe('1,200 (1,000–3,000)');
    expect(() => spreadOf([])).toThrow(RangeError);
  });

  it('compares what was measured in one round', () => {
    expect(ratiosOf([10, 30], [5, 10])).toEqual([2, 3]);
  });

  it('counts between two moments, in proportion between two samples', () => {
    const sampleAt = (atMs: number, rows: number, marks: number): Sample => ({
      atMs,
      rows,
      requests: rows / 10,
      executionMs: rows,
      storage: marks === 0 ? {} : { mark: marks },
    });
    const samples = [sampleAt(0, 0, 0), sampleAt(100, 100, 0), sampleAt(200, 300, 8)];
    expect(between(samples, 50, 150)).toEqual({ rows: 150, requests: 15, executionMs: 150, storage: { mark: 4 } });
    expect(() => between(samples, 50, 250)).toThrow(RangeError);
  });

  it.each([
    ['PUT', '/account/fanout/runs/r1/parts/000000000001.json', 'part written'],
    ['HEAD', '/account/fanout/runs/r1/parts/000000000001.json', 'part looked for'],
    ['PUT', '/account/fanout/runs/r1/intents/000000000001', 'mark left'],
    ['GET', '/account/fanout/runs/r1/cancel', 'stop looked for'],
    ['GET', '/account/sources/a/b.csv?x=1', 'slice read'],
    ['GET', '/account/fanout?restype=container', 'other'],
  ])('names a request to storage: %s %s', (method, path, name) => {
    expect(storageNameOf(method, path)).toBe(name);
  });

  it('keeps what limits allow in a second in proportion to the speed', () => {
    const { limits, latency } = scaledProfile();
    const perSecond = (limits?.requests ?? 0) / windowSeconds;
    expect(perSecond).toBeCloseTo((6_000 / 300) * speed);
    expect((limits?.executionTimeMs ?? 0) / windowSeconds).toBeCloseTo(1_200_000 / 300);
    expect(latency?.rowMs?.create).toBeCloseTo(24.7 / speed);
  });
});
