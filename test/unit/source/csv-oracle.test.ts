import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeIndex, encodeIndex } from '../../../src/source/slice-index.ts';
import type { SourceFormat } from '../../../src/source/source.ts';
import { cellsOf, readSource, shown } from './read-source.ts';

type Delimiter = Extract<SourceFormat, { kind: 'csv' }>['delimiter'];

const delimiters = fc.constantFrom<Delimiter>(',', ';', '\t', '|');
const lineEnds = fc.constantFrom('\n', '\r\n');
const value = fc.oneof(
  fc.constantFrom('', '"', '""', ',', ';', '\n', '\r\n', '\r', '東京', '😀', 'é', ' ', 'null', 'a"b,c\nd'),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '|', '\t', '\n', '\r', 'é', '東'), maxLength: 10 }),
);

interface Written {
  readonly text: string;
  readonly quoted: boolean;
}

const cell: fc.Arbitrary<Written> = fc.record({ text: value, quoted: fc.boolean() });

const tables = fc.integer({ min: 1, max: 5 }).chain((width) =>
  fc.record({
    width: fc.constant(width),
    records: fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 30 }),
    blankBefore: fc.array(fc.nat({ max: 2 }), { maxLength: 30 }),
    delimiter: delimiters,
    lineEnd: lineEnds,
    hasMark: fc.boolean(),
    hasFinalEnd: fc.boolean(),
    chunkBytes: fc.integer({ min: 1, max: 40 }),
    entryRows: fc.integer({ min: 1, max: 4 }),
    entryBytes: fc.integer({ min: 1, max: 60 }),
    sliceBytes: fc.integer({ min: 1, max: 120 }),
    sliceRows: fc.integer({ min: 1, max: 9 }),
  }),
);

type Table = typeof tables extends fc.Arbitrary<infer T> ? T : never;

function isQuoted({ text, quoted }: Written, table: Table): boolean {
  // An empty cell alone in its line would be a blank line.
  return quoted || /["\r\n]/.test(text) || text.includes(table.delimiter) || (text === '' && table.width === 1);
}

function write(table: Table): string {
  const lines = table.records.map((record, index) => {
    const cells = record.map((each) => (isQuoted(each, table) ? `"${each.text.replaceAll('"', '""')}"` : each.text));
    return table.lineEnd.repeat(table.blankBefore[index] ?? 0) + cells.join(table.delimiter);
  });
  const header = Array.from({ length: table.width }, (_, index) => `c${index}`).join(table.delimiter);
  const text = [header, ...lines].join(table.lineEnd) + (table.hasFinalEnd ? table.lineEnd : '');
  return table.hasMark ? `\ufeff${text}` : text;
}

describe('any CSV table', () => {
  it('is read as csv-parse reads it, in any chunks and slices', () => {
    fc.assert(
      fc.property(tables, (table) => {
        const text = write(table);
        const expected = parse(text, {
          bom: true,
          delimiter: table.delimiter,
          recordDelimiter: ['\r\n', '\n'],
          skipEmptyLines: true,
        }).slice(1);
        const { rows, indexed } = readSource(text, { kind: 'csv', delimiter: table.delimiter }, table);
        expect(indexed.faults).toEqual([]);
        expect(rows.map((row) => cellsOf(row).map((each) => shown(each) ?? ''))).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps apart empty cells with and without quotation marks', () => {
    fc.assert(
      fc.property(tables, (table) => {
        const { rows } = readSource(write(table), { kind: 'csv', delimiter: table.delimiter }, table);
        const expected = table.records.map((record) =>
          record.map((each) => (each.text === '' && !isQuoted(each, table) ? null : each.text)),
        );
        expect(rows.map((row) => cellsOf(row).map(shown))).toEqual(expected);
      }),
    );
  });

  it('is tiled by its slices, which survive being stored', () => {
    fc.assert(
      fc.property(tables, (table) => {
        const bytes = Buffer.from(write(table));
        const { head, slices, indexed } = readSource(bytes, { kind: 'csv', delimiter: table.delimiter }, table);
        let [row, at] = [1, head.dataFrom];
        for (const slice of slices) {
          expect(slice).toMatchObject({ firstRow: row, from: at });
          expect(slice.rowCount).toBeGreaterThan(0);
          expect(slice.rowCount).toBeLessThanOrEqual(Math.max(table.sliceRows, table.entryRows));
          row += slice.rowCount;
          at = slice.to;
        }
        expect(row - 1).toBe(table.records.length);
        if (slices.length > 0) expect(at).toBe(bytes.length);
        const stored = decodeIndex(encodeIndex(indexed.index));
        expect(stored.rowCount).toBe(indexed.rowCount);
        expect(Array.from({ length: stored.sliceCount }, (_, position) => stored.slice(position))).toEqual(slices);
      }),
    );
  });
});

describe('any bytes at all', () => {
  const bytes = fc.string({
    unit: fc.constantFrom('a', '1', '"', '"', ',', '\n', '\r', '\r\n', 'é'),
    minLength: 1,
    maxLength: 60,
  });

  it('give the indexer and the reader the same records', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 20 }), (text, chunkBytes) => {
        const source = `a,b\n${text}`;
        const cut = readSource(source, { kind: 'csv', delimiter: ',' }, { chunkBytes });
        const whole = readSource(source, { kind: 'csv', delimiter: ',' });
        expect(cut.slices).toEqual(whole.slices);
        expect(cut.indexed.faults).toEqual(whole.indexed.faults);
        expect(cut.rows).toEqual(whole.rows);
        expect(whole.rows).toHaveLength(whole.indexed.rowCount);
        const structural = whole.rows.flatMap((row) =>
          'fault' in row && /quote/i.test(row.fault.code) ? [row.fault] : [],
        );
        expect(structural.slice(0, 20)).toEqual(whole.indexed.faults);
      }),
      { numRuns: 2000 },
    );
  });
});
