import { canonicalDigits, ExactNumber } from '../basics/json.ts';
import type { ColumnDefinition, ColumnType } from './definitions.ts';

/**
 * Range and precision of the numeric types where a column says nothing:
 * learn.microsoft.com/power-apps/developer/data-platform/webapi/web-api-properties and the types' metadata classes.
 */
interface NumericType {
  readonly minimum: number | bigint;
  readonly maximum: number | bigint;
  /** Digits after the point that are kept. */
  readonly precision: number;
}

const numericTypes: Partial<Record<ColumnType, NumericType>> = {
  Integer: { minimum: -2_147_483_648, maximum: 2_147_483_647, precision: 0 },
  BigInt: { minimum: -(2n ** 63n), maximum: 2n ** 63n - 1n, precision: 0 },
  Decimal: { minimum: -100_000_000_000, maximum: 100_000_000_000, precision: 10 },
  Double: { minimum: -100_000_000_000, maximum: 100_000_000_000, precision: 5 },
  Money: { minimum: -922_337_203_685_477, maximum: 922_337_203_685_477, precision: 4 },
};

export const isNumeric = ({ type }: Pick<ColumnDefinition, 'type'>): boolean => numericTypes[type] !== undefined;

/** Limits of a numeric column, its own or those of its type. */
export function numericLimits({ type, minValue, maxValue, precision }: ColumnDefinition): NumericType {
  const natural = numericTypes[type] ?? { minimum: -Infinity, maximum: Infinity, precision: 0 };
  return {
    minimum: minValue ?? natural.minimum,
    maximum: maxValue ?? natural.maximum,
    precision: precision ?? natural.precision,
  };
}

/** A whole number in the stored form: a double when that loses nothing, else its digits; `undefined` when it is not whole. */
export function wholeNumber(raw: number | ExactNumber): number | string | undefined {
  if (typeof raw === 'number') return Number.isInteger(raw) ? raw : undefined;
  return /^-?\d+$/.test(raw.text) ? canonicalDigits(raw.text) : undefined;
}

export function isInRange(value: number | string, { minimum, maximum }: NumericType): boolean {
  const exact = typeof value === 'string' || !Number.isSafeInteger(value) ? exactly(value) : value;
  return exact >= minimum && exact <= maximum;
}

/** Whole values as themselves, others as the nearest double. */
function exactly(value: number | string): number | bigint {
  if (typeof value === 'string') return value.includes('.') ? Number(value) : BigInt(value);
  return Number.isInteger(value) ? BigInt(value) : value;
}

/** Rounds half away from zero, by the decimal digits that were written: 1.005 to two digits is 1.01, as for a .NET decimal. */
export function roundDecimal(raw: number | ExactNumber, precision: number): number | string {
  if (typeof raw === 'number') return roundDouble(raw, precision);
  const [whole = '', fraction = ''] = raw.text.replace('-', '').split('.');
  const kept = BigInt(whole + fraction.slice(0, precision).padEnd(precision, '0'));
  const scaled = String(Number(fraction[precision] ?? 0) >= 5 ? kept + 1n : kept).padStart(precision + 1, '0');
  const point = scaled.length - precision;
  const sign = raw.text.startsWith('-') ? '-' : '';
  const text = canonicalDigits(`${sign}${scaled.slice(0, point)}${precision === 0 ? '' : `.${scaled.slice(point)}`}`);
  return String(Number(text)) === text ? Number(text) : text;
}

function roundDouble(raw: number, precision: number): number {
  const factor = 10 ** precision;
  const scaled = raw * factor;
  const nearest = Math.round(scaled);
  // Most values have no more digits than are kept; the text of the others says which way they go.
  if (Math.abs(scaled - nearest) < 1e-6) return nearest / factor;
  const text = String(Math.abs(raw));
  if (text.includes('e')) return nearest / factor;
  return Math.sign(raw) * Number(roundDecimal(new ExactNumber(text), precision));
}
