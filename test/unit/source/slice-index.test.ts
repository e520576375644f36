import { describe, expect, it } from 'vitest';
import { createSliceIndex, decodeIndex, encodeIndex } from '../../../src/source/slice-index.ts';
import { comma, readSource } from './read-source.ts';

const csvOf = (rowCount: number, cell = 'x') =>
  `a,b\n${Array.from({ length: rowCount }, (_, index) => `${index},${cell}\n`).join('')}`;

describe('slices', () => {
  it('have at most the wanted number of rows, in steps of 100 but for the last', () => {
    const rowCounts = (sliceRows: number) =>
      readSource(csvOf(1050), comma, { sliceRows }).slices.map((s) => s.rowCount);
    expect(rowCounts(500)).toEqual([500, 500, 50]);
    expect(rowCounts(250)).toEqual([200, 200, 200, 200, 250]);
    expect(rowCounts(10)).toEqual([...Array.from({ length: 10 }, () => 100), 50]);
    expect(rowCounts(10_000)).toEqual([1050]);
  });

  it('are at most 4 MiB long', () => {
    const { slices } = readSource(csvOf(200, 'x'.repeat(100_000)), comma, { sliceRows: 1000, chunkBytes: 1_000_000 });
    const lengths = slices.map(({ from, to }) => to - from);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(4 * 1024 * 1024);
    // 20 MB in slices that are nearly full.
    expect(slices).toHaveLength(5);
  });

  it('do not exist without records', () => {
    const { indexed } = readSource('a,b\n\n', comma);
    expect(indexed.index).toMatchObject({ sliceCount: 0, rowCount: 0 });
    expect(decodeIndex(encodeIndex(indexed.index))).toMatchObject({ sliceCount: 0, rowCount: 0 });
    expect(() => indexed.index.slice(0)).toThrow(RangeError);
  });
});

describe('a stored index', () => {
  const index = createSliceIndex([
    { firstRow: 1, from: 10 },
    { firstRow: 1001, from: 5_000_000_000 },
    { firstRow: 1500, from: 5_000_000_900 },
  ]);

  it('takes 16 bytes a slice and keeps offsets beyond 4 GiB', () => {
    const stored = encodeIndex(index);
    expect(stored).toHaveLength(2 * 16 + 32);
    expect(decodeIndex(stored).slice(1)).toEqual({
      firstRow: 1001,
      rowCount: 499,
      from: 5_000_000_000,
      to: 5_000_000_900,
    });
  });

  it('is refused when any byte of it differs or is missing', () => {
    const stored = encodeIndex(index);
    for (let at = 0; at < stored.length; at += 1) {
      const damaged = Buffer.from(stored);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(() => decodeIndex(damaged)).toThrow('Not a slice index');
      expect(() => decodeIndex(stored.subarray(0, at))).toThrow('Not a slice index');
    }
  });

  it('is refused when its slices do not advance, whatever the checksum says', () => {
    const backwards = createSliceIndex([
      { firstRow: 1, from: 10 },
      { firstRow: 5, from: 10 },
    ]);
    expect(() => decodeIndex(encodeIndex(backwards))).toThrow('do not advance at boundary 1');
  });
});
