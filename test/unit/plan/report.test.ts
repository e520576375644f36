import { describe, expect, it } from 'vitest';
import { finalState, foldParts, settledCounts, type PartTally } from '../../../src/plan/report.ts';

const part = (firstRow: number, rowCount: number, rejected = 0): PartTally => ({
  firstRow,
  rowCount,
  counts: { upserted: rowCount - rejected, ...(rejected > 0 ? { rejected } : {}) },
  recovered: 0,
});

describe('foldParts', () => {
  it('proves parts that tile the source', () => {
    const books = foldParts([part(1, 100), part(101, 50, 3), part(151, 1)], 151);
    expect(books.proof).toEqual({ tiles: true, parts: 3, rowsCovered: 151, sumsAgree: true });
    expect(books.counts).toEqual({ upserted: 148, rejected: 3 });
    expect(finalState({ state: 'completed' }, books, 151)).toBe('completed');
  });

  it('proves an empty source', () => {
    expect(finalState({ state: 'completed' }, foldParts([], 0), 0)).toBe('completed');
  });

  it.each([
    ['a gap at the start', [part(2, 9)], 10],
    ['a gap inside', [part(1, 4), part(6, 5)], 10],
    ['a missing end', [part(1, 9)], 10],
    ['an overlap', [part(1, 6), part(6, 5)], 10],
    ['rows beyond the source', [part(1, 11)], 10],
    ['sums that disagree', [{ ...part(1, 10), counts: { upserted: 9 } }], 10],
    ['rows of a source that has none', [part(1, 1)], 0],
  ])('finds %s and calls the run inconsistent', (_what, parts, rowCount) => {
    expect(finalState({ state: 'completed' }, foldParts(parts, rowCount), rowCount)).toBe('inconsistent');
  });

  it('lets a cancelled run have gaps, whose rows were not attempted', () => {
    const books = foldParts([part(1, 4), part(6, 2)], 10);
    expect(finalState({ state: 'cancelled' }, books, 10)).toBe('cancelled');
    expect(settledCounts(books, 10)).toEqual({ upserted: 6, notAttempted: 4 });
    expect(books.gaps).toEqual([
      { from: 5, to: 5 },
      { from: 8, to: 10 },
    ]);
  });

  it('does not let a cancelled run have overlaps', () => {
    expect(finalState({ state: 'cancelled' }, foldParts([part(1, 6), part(3, 2)], 10), 10)).toBe('inconsistent');
  });
});
