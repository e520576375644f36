import type { ColumnMetadata } from '../dataverse/table.ts';
import type { PlannedColumn } from './mapping-plan.ts';

/**
 * Writes the value of a cell straight to bytes, from `at` on, and returns where it ended; -1 when the cell is not of the plain form that nearly all
 * cells of its type have, or does not fit. Then the column's `CellEncoder` decides, so nothing is ever refused here, and what is written is
 * byte for byte what that encoder would answer. `out` has room for the cell and `directRoom` bytes more.
 */
export type DirectEncoder = (cell: string, out: Uint8Array, at: number) => number;

/** Bytes a value may take beyond those of its cell: quotes. */
export const directRoom = 2;

const notPlain = -1;

/** Undefined for types without a plain form. A lookup by id is written without what stands around the id. */
export function directEncoder({ column, bind }: PlannedColumn): DirectEncoder | undefined {
  switch (column.type) {
    case 'String':
    case 'Memo':
      return directText(column.maxLength ?? Infinity);
    case 'Integer':
      return directInteger(isWithin(column, 2 ** 31));
    case 'Decimal':
    case 'Money':
    case 'Double':
      return directDecimal(column);
    case 'Boolean':
      return directBoolean;
    case 'Picklist':
    case 'State':
    case 'Status':
      return column.options === undefined ? undefined : directInteger(isOption(column));
    case 'DateTime':
      return column.dateTimeBehavior === 'DateOnly' ? directDate : directInstant;
    case 'Uniqueidentifier':
      return quoted(directGuid);
    case 'Lookup':
    case 'Customer':
    case 'Owner':
      return bind?.keyColumn === undefined ? directGuid : undefined;
    default:
      return undefined;
  }
}

const quote = 34;
const backslash = 92;
const minus = 45;
const point = 46;
const zero = 48;
const firstPrintable = 32;

function quoted(encode: DirectEncoder): DirectEncoder {
  return (cell, out, at) => {
    const end = encode(cell, out, at + 1);
    if (end === notPlain) return notPlain;
    out[at] = quote;
    out[end] = quote;
    return end + 1;
  };
}

/** Text that needs no escape; one-byte text has no more UTF-16 units than characters. */
function directText(maxLength: number): DirectEncoder {
  return (cell, out, at) => {
    if (cell.length > maxLength) return notPlain;
    let end = at;
    out[end++] = quote;
    for (let index = 0; index < cell.length; index += 1) {
      const byte = cell.charCodeAt(index);
      if (byte < firstPrintable || byte === quote || byte === backslash) return notPlain;
      out[end++] = byte;
    }
    out[end++] = quote;
    return end;
  };
}

/** Digits up to which a whole number, also as the part before the point, is exact as a double. */
const exactDigits = 15;

const digitAt = (cell: string, index: number): number => cell.charCodeAt(index) - zero;
const isDigit = (digit: number): boolean => digit >= 0 && digit <= 9;

function copy(cell: string, out: Uint8Array, at: number): number {
  for (let index = 0; index < cell.length; index += 1) out[at + index] = cell.charCodeAt(index);
  return at + cell.length;
}

const isWithin = ({ minValue = -Infinity, maxValue = Infinity }: ColumnMetadata, limit: number) => {
  const [least, most] = [Math.max(minValue, -limit), Math.min(maxValue, limit - 1)];
  return (value: number): boolean => value >= least && value <= most;
};

function isOption({ options }: ColumnMetadata): (value: number) => boolean {
  const values = new Set(options?.map(({ value }) => value));
  return (value) => values.has(value);
}

function directInteger(fits: (value: number) => boolean): DirectEncoder {
  return (cell, out, at) => {
    const first = cell.charCodeAt(0) === minus ? 1 : 0;
    const digits = cell.length - first;
    if (digits < 1 || digits > exactDigits || (digits > 1 && digitAt(cell, first) === 0)) return notPlain;
    let value = 0;
    for (let index = first; index < cell.length; index += 1) {
      const digit = digitAt(cell, index);
      if (!isDigit(digit)) return notPlain;
      value = value * 10 + digit;
    }
    // -0 is for the careful encoder.
    if (first === 1 && value === 0) return notPlain;
    return fits(first === 1 ? -value : value) ? copy(cell, out, at) : notPlain;
  };
}

/** Plain digits with a point. The quotient of two exact numbers is the double nearest to the text, as `Number` reads it. */
function directDecimal({
  minValue = -Infinity,
  maxValue = Infinity,
  precision = exactDigits,
}: ColumnMetadata): DirectEncoder {
  return (cell, out, at) => {
    const first = cell.charCodeAt(0) === minus ? 1 : 0;
    if (cell.length - first > exactDigits) return notPlain;
    let value = 0;
    let pointAt = cell.length;
    for (let index = first; index < cell.length; index += 1) {
      const digit = digitAt(cell, index);
      if (isDigit(digit)) value = value * 10 + digit;
      else if (digit === point - zero && pointAt === cell.length) pointAt = index;
      else return notPlain;
    }
    const whole = pointAt - first;
    const decimals = Math.max(0, cell.length - pointAt - 1);
    const isFormed = whole > 0 && pointAt !== cell.length - 1 && (whole === 1 || digitAt(cell, first) > 0);
    if (!isFormed || decimals > precision) return notPlain;
    const number = (first === 1 ? -value : value) / 10 ** decimals;
    return number >= minValue && number <= maxValue ? copy(cell, out, at) : notPlain;
  };
}

const directBoolean: DirectEncoder = (cell, out, at) =>
  cell === 'true' || cell === 'false' ? copy(cell, out, at) : notPlain;

/** The number of two digits, or a negative number. */
function twoDigits(cell: string, index: number): number {
  const [tens, ones] = [digitAt(cell, index), digitAt(cell, index + 1)];
  return isDigit(tens) && isDigit(ones) ? tens * 10 + ones : -1;
}

/** Dates Dataverse keeps begin in 1753; days every month has. */
function isPlainDate(cell: string): boolean {
  const century = twoDigits(cell, 0);
  const month = twoDigits(cell, 5);
  const day = twoDigits(cell, 8);
  return (
    century >= 18 &&
    twoDigits(cell, 2) >= 0 &&
    cell.charCodeAt(4) === minus &&
    month >= 1 &&
    month <= 12 &&
    cell.charCodeAt(7) === minus &&
    day >= 1 &&
    day <= 28
  );
}

const dateLength = '2024-05-31'.length;
const instantLength = '2024-05-31T10:00:00Z'.length;

const directDate = quoted((cell, out, at) =>
  cell.length === dateLength && isPlainDate(cell) ? copy(cell, out, at) : notPlain,
);

const directInstant = quoted((cell, out, at) => {
  if (cell.length !== instantLength || !isPlainDate(cell)) return notPlain;
  const isFormed = cell[10] === 'T' && cell[13] === ':' && cell[16] === ':' && cell[19] === 'Z';
  const [hour, minute, second] = [twoDigits(cell, 11), twoDigits(cell, 14), twoDigits(cell, 17)];
  const isTime = hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 59;
  return isFormed && isTime ? copy(cell, out, at) : notPlain;
});

const guidLength = 36;

/** Lower case without braces. */
const directGuid: DirectEncoder = (cell, out, at) => {
  if (cell.length !== guidLength) return notPlain;
  for (let index = 0; index < guidLength; index += 1) {
    const byte = cell.charCodeAt(index);
    const isDash = index === 8 || index === 13 || index === 18 || index === 23;
    const fits = isDash ? byte === minus : isDigit(byte - zero) || (byte >= 97 && byte <= 102);
    if (!fits) return notPlain;
    out[at + index] = byte;
  }
  return at + guidLength;
};
