import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeStretches, sliceCountOf, type Stretch } from '../../../src/plan/stretch.ts';
import { dealLanes } from '../../../src/plan/waves.ts';

/** Disjoint stretches, some of them begun. */
const stretches = fc
  .array(
    fc.record({ gap: fc.integer({ min: 1, max: 5 }), length: fc.integer({ min: 1, max: 40 }), begun: fc.boolean() }),
    { maxLength: 30 },
  )
  .map((pieces) => {
    let at = 0;
    return pieces.map(({ gap, length, begun }): Stretch => {
      const from = at + gap;
      at = from + length;
      return { from, to: at, ...(begun ? { cursor: from * 100 + 7 } : {}) };
    });
  });

const slicesOf = (list: readonly Stretch[]): readonly string[] =>
  list.flatMap(({ from, to, cursor }) =>
    Array.from({ length: to - from }, (_, at) => `${from + at}${at === 0 && cursor !== undefined ? `@${cursor}` : ''}`),
  );

describe('dealLanes', () => {
  it('gives every pending slice to exactly one lane or keeps it, whatever the deal', () => {
    fc.assert(
      fc.property(stretches, fc.integer({ min: 1, max: 60 }), fc.boolean(), (pending, lanes, even) => {
        const deal = dealLanes(pending, lanes, { even });
        expect([...deal.lanes.flat(), ...deal.undealt].flatMap((stretch) => slicesOf([stretch])).toSorted()).toEqual(
          slicesOf(pending).toSorted(),
        );
        expect(deal.lanes.length).toBeLessThanOrEqual(lanes);
        expect(deal.lanes.every((work) => sliceCountOf(work) > 0)).toBe(true);
      }),
    );
  });

  it('uses as many lanes as there are slices for, up to the grant', () => {
    fc.assert(
      fc.property(stretches, fc.integer({ min: 1, max: 60 }), fc.boolean(), (pending, lanes, even) => {
        expect(dealLanes(pending, lanes, { even }).lanes.length).toBe(Math.min(lanes, sliceCountOf(pending)));
      }),
    );
  });

  it('deals evenly: no lane has more than one slice more than another', () => {
    fc.assert(
      fc.property(stretches, fc.integer({ min: 1, max: 60 }), (pending, lanes) => {
        const sizes = dealLanes(pending, lanes, { even: true }).lanes.map(sliceCountOf);
        expect(Math.max(0, ...sizes) - Math.min(...sizes, Math.max(0, ...sizes))).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('does not add stretches beyond the number of lanes when it deals whole ones', () => {
    fc.assert(
      fc.property(stretches, fc.integer({ min: 1, max: 60 }), (pending, lanes) => {
        const deal = dealLanes(pending, lanes, { even: false });
        expect(deal.lanes.flat().length + deal.undealt.length).toBeLessThanOrEqual(Math.max(lanes, pending.length));
      }),
    );
  });
});

describe('mergeStretches', () => {
  it('joins neighbours and keeps a cursor at its place', () => {
    expect(
      mergeStretches([
        { from: 5, to: 9 },
        { from: 0, to: 5, cursor: 44 },
        { from: 9, to: 10, cursor: 950 },
      ]),
    ).toEqual([
      { from: 0, to: 9, cursor: 44 },
      { from: 9, to: 10, cursor: 950 },
    ]);
  });
});
