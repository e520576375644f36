import { describe, expect, it } from 'vitest';
import { createGuid, guidOf, isGuid } from '../../../src/basics/guid.ts';
import { createRandom } from '../../../src/basics/random.ts';

describe('createRandom', () => {
  it('repeats itself for the same seed and is about uniform', () => {
    const draw = (seed: number): number[] => {
      const random = createRandom(seed);
      return Array.from({ length: 10_000 }, () => random.next());
    };
    const values = draw(3);
    expect(draw(3)).toEqual(values);
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(0.5, 1);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
  });
});

describe('createGuid', () => {
  it('gives distinct GUIDs of version 4', () => {
    const random = createRandom(1);
    const guids = new Set(Array.from({ length: 10_000 }, () => createGuid(random)));
    expect(guids.size).toBe(10_000);
    for (const guid of guids)
      expect(guid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('guidOf', () => {
  it('depends on the text alone', () => {
    expect(guidOf('a')).toBe(guidOf('a'));
    expect(guidOf('a')).not.toBe(guidOf('b'));
    expect(isGuid(guidOf('a'))).toBe(true);
  });
});
