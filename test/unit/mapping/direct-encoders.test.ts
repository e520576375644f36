import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnMetadata, ColumnType } from '../../../src/dataverse/table.ts';
import { valueEncoder } from '../../../src/mapping/column-encoders.ts';
import { directEncoder, directRoom } from '../../../src/mapping/direct-encoders.ts';
import type { PlannedColumn } from '../../../src/mapping/mapping-plan.ts';
import { column, kinds, oneByte } from './fixtures.ts';

const planned = (type: ColumnType, more: Partial<ColumnMetadata> = {}): PlannedColumn => ({
  source: 0,
  column: column('v', type, more),
});

/** What is written directly; undefined when it is left to the careful encoder. */
function direct(each: PlannedColumn, cell: string): string | undefined {
  const out = Buffer.alloc(cell.length + directRoom + 2, '?');
  const end = directEncoder(each)?.(`12${cell}345`, 2, 2 + cell.length, out, 1) ?? -1;
  expect(out.at(-1)).toBe('?'.charCodeAt(0));
  return end < 0 ? undefined : out.toString('latin1', 1, end);
}

const near = (units: string, maxLength: number) => fc.stringMatching(new RegExp(`^[${units}]{0,${maxLength}}$`));
const digits = near('0-9.e+-', 18);
const dateLike = fc
  .tuple(fc.integer({ min: 1700, max: 2100 }), fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 32 }))
  .map(([year, month, day]) => `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`);
const instantLike = fc
  .tuple(dateLike, near('0-9', 6), fc.constantFrom('Z', '', '+02:00', 'z'), fc.constantFrom('T', ' ', 't'))
  .map(([date, time, zone, letter]) => `${date}${letter}${time.padEnd(6, '0').replace(/^(..)(..)/, '$1:$2:')}${zone}`);
const guidLike = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  near('0-9a-g-', 37),
);
const anyText = fc.string({ unit: 'grapheme', maxLength: 20 }).map(oneByte);
const plainly = fc.oneof(
  digits,
  fc.double({ noNaN: true, min: -1e6, max: 1e6 }).map((value) => value.toFixed(3)),
  fc.integer().map(String),
  dateLike,
  instantLike,
  guidLike,
  fc.constantFrom('true', 'false', 'TRUE', 'yes', '1', '', '-0', '0', '0.0', '-0.50', '1.', '.5', '007', '4', '5'),
  anyText,
);

const columns: readonly (readonly [string, PlannedColumn])[] = [
  ['String', planned('String', { maxLength: 12 })],
  ['Memo', planned('Memo')],
  ['Integer', planned('Integer')],
  ['Integer with bounds', planned('Integer', { minValue: -5.5, maxValue: 1_000 })],
  ['Decimal', planned('Decimal', { precision: 2, minValue: -1_000, maxValue: 1_000 })],
  ['Money', planned('Money', { precision: 4 })],
  ['Double', planned('Double', { precision: 3 })],
  ['Double without precision', planned('Double')],
  ['Boolean', planned('Boolean')],
  ['Picklist', planned('Picklist', { options: kinds })],
  ['Picklist of any number', planned('Picklist')],
  ['date', planned('DateTime', { dateTimeBehavior: 'DateOnly' })],
  ['date and time', planned('DateTime', { dateTimeBehavior: 'UserLocal' })],
  ['Uniqueidentifier', planned('Uniqueidentifier')],
];

describe('a value written directly', () => {
  it.each(columns)('is what the careful encoder says: %s', (_name, each) => {
    const careful = valueEncoder(each);
    fc.assert(
      fc.property(plainly, (cell) => {
        const written = direct(each, cell);
        if (written !== undefined) expect(written).toBe(careful(cell));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['String', planned('String', { maxLength: 12 }), 'Zürich', '"Zürich"'],
    ['Integer', planned('Integer'), '-2147483648', '-2147483648'],
    ['Decimal', planned('Decimal', { precision: 2 }), '1.50', '1.50'],
    ['Boolean', planned('Boolean'), 'false', 'false'],
    ['Picklist', planned('Picklist', { options: kinds }), '4', '4'],
    ['date', planned('DateTime', { dateTimeBehavior: 'DateOnly' }), '2024-12-28', '"2024-12-28"'],
    ['date and time', planned('DateTime'), '2024-02-03T23:59:59Z', '"2024-02-03T23:59:59Z"'],
  ])('is any of the plain form: %s', (_name, each, cell, expected) => {
    expect(direct(each, oneByte(cell))).toBe(oneByte(expected));
  });

  it.each([
    ['String', planned('String', { maxLength: 3 }), 'four'],
    ['Integer', planned('Integer'), '2147483648'],
    ['Decimal', planned('Decimal', { maxValue: 9.99 }), '9.995'],
    ['Picklist', planned('Picklist', { options: kinds }), '6'],
    ['date', planned('DateTime', { dateTimeBehavior: 'DateOnly' }), '2024-02-30'],
  ])('is none that does not fit: %s', (_name, each, cell) => {
    expect(direct(each, cell)).toBeUndefined();
  });
});
