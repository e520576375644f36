import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toTarget } from '../../bench/hotpath/plain.ts';
import { accountColumns, accounts, accountSpec } from '../../bench/hotpath/accounts.ts';
import { buildBulkBody } from '../../src/dataverse/bulk-messages.ts';
import { compileMapping } from '../../src/mapping/compile-mapping.ts';
import type { EncodedRow } from '../../src/mapping/encoded-row.ts';
import { createRowEncoder, isRejection } from '../../src/mapping/row-encoder.ts';
import type { SourceFormat } from '../../src/source/source.ts';
import { readSource } from './source/read-source.ts';

/*
 * From the bytes of a file to the bytes of the requests: the same as the plainest program would send, which is also what `npm run bench:hotpath`
 * measures against.
 */

const mostCharacters = 20;
/** Fits the shortest text column. */
const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: mostCharacters }),
    fc.string({
      unit: fc.constantFrom('a', '"', '\\', ',', '\n', '\r', '\t', "'", 'é', '東', '😀', '\u2028'),
      maxLength: mostCharacters,
    }),
    fc.constant(''),
  )
  .filter(({ length }) => length <= mostCharacters);
const day = fc
  .date({ min: new Date('1900-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
/** Numbers as `JSON.stringify` would write them. */
const valueOf: Readonly<Record<string, fc.Arbitrary<string>>> = {
  fan_employees: fc.nat({ max: 1_000_000 }).map(String),
  fan_revenue: fc.nat({ max: 1_000_000 }).map((cents) => String(cents / 100)),
  fan_rating: fc.nat({ max: 9_999 }).map((value) => String(value / 1_000)),
  fan_creditonhold: fc.constantFrom('true', 'false'),
  fan_industry: fc.integer({ min: 1, max: 7 }).map(String),
  fan_foundedon: day,
  fan_lastcontacton: day.map((date) => `${date}T10:20:30Z`),
  fan_parentid: fc.uuid(),
  fan_score: fc.integer({ min: -1_000, max: 1_000 }).map(String),
};
const record = fc.tuple(
  ...accountColumns.map((name, at) =>
    at === 0
      ? fc.string({ unit: fc.constantFrom('A', "'", 'é', ' ', '1'), minLength: 1, maxLength: 8 })
      : fc.oneof(valueOf[name] ?? text, fc.constant('')),
  ),
);
const files = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 20 }),
  lineEnd: fc.constantFrom('\n', '\r\n'),
  hasMark: fc.boolean(),
  hasFinalEnd: fc.boolean(),
  chunkBytes: fc.integer({ min: 1, max: 400 }),
  sliceRows: fc.integer({ min: 1, max: 7 }),
  entryRows: fc.integer({ min: 1, max: 3 }),
  rowsPerRequest: fc.integer({ min: 1, max: 5 }),
});
type File = typeof files extends fc.Arbitrary<infer T> ? T : never;

/** Empty text and no text are one to `csv-parse`, so an empty cell is never quoted here. */
const quotedCell = (cell: string) => (/[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function csvOf({ records, lineEnd, hasMark, hasFinalEnd }: File): string {
  const lines = [accountColumns.join(','), ...records.map((cells) => cells.map(quotedCell).join(','))];
  return (hasMark ? '\ufeff' : '') + lines.join(lineEnd) + (hasFinalEnd ? lineEnd : '');
}

function jsonLinesOf({ records, lineEnd, hasFinalEnd }: File): string {
  const lines = records.map((cells) => {
    const members = accountColumns.map((name, at) => {
      const cell = cells[at] ?? '';
      const isText = valueOf[name] === undefined || /on$|id$/.test(name);
      const json = cell === '' ? 'null' : isText && name !== 'fan_creditonhold' ? JSON.stringify(cell) : cell;
      return `${JSON.stringify(name)}:${json}`;
    });
    return `{${members.join(',')}}`;
  });
  return lines.join(lineEnd) + (hasFinalEnd ? lineEnd : '');
}

/** The bodies of the engine, slice by slice; rows are sent as they come. */
function bodiesOf(source: string, format: SourceFormat, file: File): readonly Buffer[] {
  const { head, readRows, slices } = readSource(source, format, file);
  const spec = accountSpec(format.kind);
  const compiled = compileMapping({
    spec,
    sourceColumns: head.columns,
    table: accounts,
    lookupKeys: new Map(),
    runIdDigest: '0'.repeat(32),
  });
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults));
  const encode = createRowEncoder(compiled.plan);
  const encoded = readRows.map((row): EncodedRow => {
    const result = encode(row);
    if (isRejection(result)) throw new Error(result.message);
    return result;
  });
  return slices.flatMap(({ firstRow, rowCount }) =>
    batchesOf(encoded.slice(firstRow - 1, firstRow - 1 + rowCount), file.rowsPerRequest).map((batch) =>
      buildBulkBody('UpsertMultiple', accounts, batch),
    ),
  );
}

function plainBodiesOf(records: readonly object[], slices: readonly number[], file: File): readonly Buffer[] {
  let from = 0;
  return slices.flatMap((rowCount) => {
    const targets = records.slice(from, (from += rowCount)).map((each) => toTarget(each as Record<string, unknown>));
    return batchesOf(targets, file.rowsPerRequest).map((batch) => Buffer.from(JSON.stringify({ Targets: batch })));
  });
}

function batchesOf<T>(items: readonly T[], size: number): readonly T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

const rowCountsOf = (source: string, format: SourceFormat, file: File) =>
  readSource(source, format, file).slices.map(({ rowCount }) => rowCount);

describe('the bodies of a CSV file', () => {
  it('are byte for byte those of csv-parse, a mapping by hand and JSON.stringify', () => {
    const format = { kind: 'csv', delimiter: ',' } as const;
    fc.assert(
      fc.property(files, (file) => {
        const source = csvOf(file);
        const records = parse<Record<string, string>>(source, {
          bom: true,
          columns: true,
          recordDelimiter: ['\r\n', '\n'],
        });
        const expected = plainBodiesOf(records, rowCountsOf(source, format, file), file);
        const bodies = bodiesOf(source, format, file);
        expect(bodies.map(String)).toEqual(expected.map(String));
        expect(Buffer.concat(bodies).equals(Buffer.concat(expected))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the bodies of a file of JSON lines', () => {
  it('are byte for byte those of JSON.parse, a mapping by hand and JSON.stringify', () => {
    const format = { kind: 'jsonl' } as const;
    fc.assert(
      fc.property(files, (file) => {
        const source = jsonLinesOf(file);
        const records = source
          .split(/\r?\n/)
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as object);
        const expected = plainBodiesOf(records, rowCountsOf(source, format, file), file);
        expect(bodiesOf(source, format, file).map(String)).toEqual(expected.map(String));
      }),
      { numRuns: 300 },
    );
  });
});
