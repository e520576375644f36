import type { ColumnMetadata } from '../dataverse/table.ts';
import type { CellEncoder, Misfit } from './cell-encoder.ts';

/** The number grammar of JSON (RFC 8259 section 6), so that the digits of the source can be the digits of the body. */
const wholeNumber = /^-?(?:0|[1-9]\d*)$/;
const plainNumber = /^-?(?:0|[1-9]\d*)(?:\.(\d+))?$/;
const anyNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

const int32 = { min: -2_147_483_648, max: 2_147_483_647 };
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** Longest whole number, sign included, that is certainly exact as a double. */
const exactDigits = 15;

function notANumber(text: string, what: string, code: string): Misfit {
  return { code, problem: `is not ${what}${hint(text)}` };
}

/** Why something that a person would read as a number is not taken. */
function hint(text: string): string {
  if (text.startsWith('+')) return ' (leave out the plus sign)';
  if (/^\s|\s$/.test(text)) return ' (leave out the space around it)';
  if (/^-?0\d/.test(text)) return ' (leave out the leading zeros)';
  if (/^-?\d+,\d+$/.test(text) || /^-?\d{1,3}(?:[ ,.'_]\d{3})+/.test(text)) {
    return ' (write it without separators, with a point before the decimals)';
  }
  return /^-?\.\d|^-?\d+\.$/.test(text) ? ' (a digit stands on both sides of the point)' : '';
}

function outOfRange(min: number | bigint, max: number | bigint): Misfit {
  return { code: 'mapping.range', problem: `is not within ${min} to ${max}` };
}

export function numberEncoder(column: ColumnMetadata): CellEncoder {
  if (column.type === 'Integer') return integerEncoder(column);
  if (column.type === 'BigInt') return bigIntEncoder(column);
  return column.type === 'Double' ? doubleEncoder(column) : decimalEncoder(column);
}

function integerEncoder(column: ColumnMetadata): CellEncoder {
  const min = Math.max(column.minValue ?? int32.min, int32.min);
  const max = Math.min(column.maxValue ?? int32.max, int32.max);
  return (text) => {
    if (!wholeNumber.test(text)) return notANumber(text, 'a whole number', 'mapping.integer');
    const value = Number(text);
    return value >= min && value <= max ? text : outOfRange(min, max);
  };
}

function bigIntEncoder(column: ColumnMetadata): CellEncoder {
  const min = largerOf(int64.min, BigInt(Math.ceil(column.minValue ?? Number(int64.min))));
  const max = smallerOf(int64.max, BigInt(Math.floor(column.maxValue ?? Number(int64.max))));
  return (text) => {
    if (!wholeNumber.test(text)) return notANumber(text, 'a whole number', 'mapping.integer');
    const value = text.length <= exactDigits ? Number(text) : BigInt(text);
    return value >= min && value <= max ? text : outOfRange(min, max);
  };
}

// A bound from metadata is a double and may lie beyond 64 bits by rounding.
const largerOf = (left: bigint, right: bigint) => (left > right ? left : right);
const smallerOf = (left: bigint, right: bigint) => (left < right ? left : right);

/** Decimal and Money: plain digits. Whether the bounds hold is judged in doubles, the digits sent are those of the source. */
function decimalEncoder(column: ColumnMetadata): CellEncoder {
  return (text) => {
    const match = plainNumber.exec(text);
    if (match === null) return notANumber(text, 'a decimal number', 'mapping.decimal');
    return findNumberMisfit(text, match[1] ?? '', column) ?? text;
  };
}

function doubleEncoder(column: ColumnMetadata): CellEncoder {
  return (text) => {
    const match = plainNumber.exec(text);
    if (match === null && !anyNumber.test(text)) return notANumber(text, 'a number', 'mapping.double');
    if (!Number.isFinite(Number(text))) return { code: 'mapping.range', problem: 'is too large' };
    return findNumberMisfit(text, match === null ? decimalsOf(Number(text)) : (match[1] ?? ''), column) ?? text;
  };
}

/** Digits behind the point of a number that was written with an exponent. */
function decimalsOf(value: number): string {
  const [digits = '', exponent = '0'] = Math.abs(value).toString().split('e');
  const decimals = digits.split('.')[1] ?? '';
  return '1'.repeat(Math.max(0, (value === 0 ? 0 : decimals.length) - Number(exponent)));
}

function findNumberMisfit(text: string, decimals: string, column: ColumnMetadata): Misfit | undefined {
  const { minValue = -Infinity, maxValue = Infinity, precision } = column;
  const value = Number(text);
  if (!(value >= minValue && value <= maxValue)) return outOfRange(minValue, maxValue);
  if (precision === undefined || decimals.length <= precision) return undefined;
  const significant = decimals.replace(/0+$/, '').length;
  if (significant <= precision) return undefined;
  return {
    code: 'mapping.precision',
    problem: `has ${significant} digits behind the point; the column keeps ${precision}`,
  };
}

/** One spelling for equal numbers, so that equal keys are equal text. */
export function canonicalNumber(text: string): string {
  const trimmed = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return trimmed === '-0' ? '0' : trimmed;
}
