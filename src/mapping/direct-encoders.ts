import type { ColumnMetadata } from '../dataverse/table.ts';
import type { PlannedColumn } from './mapping-plan.ts';

/**
 * Writes the value of a cell, the range of a text, straight to bytes, from `at` on, and returns where it ended; -1 when the cell is not of the plain
 * form that nearly all cells of its type have, or does not fit. Then the column's `CellEncoder` decides, so nothing is ever refused here, and what
 * is written is byte for byte what that encoder would answer. `out` has room for the cell and `directRoom` bytes more.
 */
export type DirectEncoder = (text: string, from: number, to: number, out: Uint8Array, at: number) => number;

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
      return bind?.key === undefined ? directGuid : undefined;
    default:
      return undefined;
  }
}

const quote = 34;
const backslash = 92;
const minus = 45;
const point = 46;
const zero = 48;
const colon = 58;
const letterT = 84;
const letterZ = 90;
const firstPrintable = 32;

function quoted(encode: DirectEncoder): DirectEncoder {
  return (text, from, to, out, at) => {
    const end = encode(text, from, to, out, at + 1);
    if (end === notPlain) return notPlain;
    out[at] = quote;
    out[end] = quote;
    return end + 1;
  };
}

/** Text that needs no escape; one-byte text has no more UTF-16 units than characters. */
function directText(maxLength: number): DirectEncoder {
  return (text, from, to, out, at) => {
    if (to - from > maxLength) return notPlain;
    let end = at;
    out[end++] = quote;
    for (let index = from; index < to; index += 1) {
      const byte = text.charCodeAt(index);
      if (byte < firstPrintable || byte === quote || byte === backslash) return notPlain;
      out[end++] = byte;
    }
    out[end++] = quote;
    return end;
  };
}

/** Digits up to which a whole number, also as the part before the point, is exact as a double. */
const exactDigits = 15;

const digitAt = (text: string, index: number): number => text.charCodeAt(index) - zero;
const isDigit = (digit: number): boolean => digit >= 0 && digit <= 9;

const copy: DirectEncoder = (text, from, to, out, at) => {
  const shift = at - from;
  for (let index = from; index < to; index += 1) out[index + shift] = text.charCodeAt(index);
  return to + shift;
};

const isWithin = ({ minValue = -Infinity, maxValue = Infinity }: ColumnMetadata, limit: number) => {
  const [least, most] = [Math.max(minValue, -limit), Math.min(maxValue, limit - 1)];
  return (value: number): boolean => value >= least && value <= most;
};

function isOption({ options }: ColumnMetadata): (value: number) => boolean {
  const values = new Set(options?.map(({ value }) => value));
  return (value) => values.has(value);
}

function directInteger(fits: (value: number) => boolean): DirectEncoder {
  return (text, from, to, out, at) => {
    const first = text.charCodeAt(from) === minus ? from + 1 : from;
    const digits = to - first;
    if (digits < 1 || digits > exactDigits || (digits > 1 && digitAt(text, first) === 0)) return notPlain;
    let value = 0;
    for (let index = first; index < to; index += 1) {
      const digit = digitAt(text, index);
      if (!isDigit(digit)) return notPlain;
      value = value * 10 + digit;
    }
    // -0 is for the careful encoder.
    if (first > from && value === 0) return notPlain;
    return fits(first > from ? -value : value) ? copy(text, from, to, out, at) : notPlain;
  };
}

/** Plain digits with a point. The quotient of two exact numbers is the double nearest to the text, as `Number` reads it. */
function directDecimal({
  minValue = -Infinity,
  maxValue = Infinity,
  precision = exactDigits,
}: ColumnMetadata): DirectEncoder {
  return (text, from, to, out, at) => {
    const first = text.charCodeAt(from) === minus ? from + 1 : from;
    if (to - first > exactDigits) return notPlain;
    let value = 0;
    let pointAt = to;
    for (let index = first; index < to; index += 1) {
      const digit = digitAt(text, index);
      if (isDigit(digit)) value = value * 10 + digit;
      else if (digit === point - zero && pointAt === to) pointAt = index;
      else return notPlain;
    }
    const whole = pointAt - first;
    const decimals = Math.max(0, to - pointAt - 1);
    const isFormed = whole > 0 && pointAt !== to - 1 && (whole === 1 || digitAt(text, first) > 0);
    if (!isFormed || decimals > precision) return notPlain;
    const number = (first > from ? -value : value) / 10 ** decimals;
    return number >= minValue && number <= maxValue ? copy(text, from, to, out, at) : notPlain;
  };
}

const directBoolean: DirectEncoder = (text, from, to, out, at) => {
  const isWord =
    (to - from === 4 && text.startsWith('true', from)) || (to - from === 5 && text.startsWith('false', from));
  return isWord ? copy(text, from, to, out, at) : notPlain;
};

/** The number of two digits, or a negative number. */
function twoDigits(text: string, index: number): number {
  const tens = digitAt(text, index);
  const ones = digitAt(text, index + 1);
  return isDigit(tens) && isDigit(ones) ? tens * 10 + ones : -1;
}

const isBetween = (value: number, least: number, most: number): boolean => value >= least && value <= most;

/** Dates Dataverse keeps begin in 1753; days every month has. */
function isPlainDate(text: string, from: number): boolean {
  return (
    twoDigits(text, from) >= 18 &&
    twoDigits(text, from + 2) >= 0 &&
    text.charCodeAt(from + 4) === minus &&
    isBetween(twoDigits(text, from + 5), 1, 12) &&
    text.charCodeAt(from + 7) === minus &&
    isBetween(twoDigits(text, from + 8), 1, 28)
  );
}

/** `T10:00:00Z` */
function isPlainTime(text: string, from: number): boolean {
  return (
    text.charCodeAt(from) === letterT &&
    isBetween(twoDigits(text, from + 1), 0, 23) &&
    text.charCodeAt(from + 3) === colon &&
    isBetween(twoDigits(text, from + 4), 0, 59) &&
    text.charCodeAt(from + 6) === colon &&
    isBetween(twoDigits(text, from + 7), 0, 59) &&
    text.charCodeAt(from + 9) === letterZ
  );
}

const dateLength = '2024-05-31'.length;
const instantLength = '2024-05-31T10:00:00Z'.length;

const directDate = quoted((text, from, to, out, at) =>
  to - from === dateLength && isPlainDate(text, from) ? copy(text, from, to, out, at) : notPlain,
);

const directInstant = quoted((text, from, to, out, at) => {
  const isPlain = to - from === instantLength && isPlainDate(text, from) && isPlainTime(text, from + dateLength);
  return isPlain ? copy(text, from, to, out, at) : notPlain;
});

const guidLength = 36;

/** Lower case without braces. */
const directGuid: DirectEncoder = (text, from, to, out, at) => {
  if (to - from !== guidLength) return notPlain;
  for (let index = 0; index < guidLength; index += 1) {
    const byte = text.charCodeAt(from + index);
    const isDash = index === 8 || index === 13 || index === 18 || index === 23;
    const fits = isDash ? byte === minus : isDigit(byte - zero) || (byte >= 97 && byte <= 102);
    if (!fits) return notPlain;
    out[at + index] = byte;
  }
  return at + guidLength;
};
