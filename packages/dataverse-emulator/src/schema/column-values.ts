import { errorCodes, ODataError, payloadError } from '../errors.ts';
import { isGuid } from '../basics/guid.ts';
import { ExactNumber, isJsonObject } from '../basics/json.ts';
import type { ColumnDefinition, TableDefinition } from './definitions.ts';
import { isInRange, numericLimits, roundDecimal, wholeNumber } from './number-values.ts';
import type { Value } from './values.ts';

export type ParseValue = (raw: unknown) => Value;

const dateTimePattern =
  /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/i;
// eslint-disable-next-line no-control-regex -- exactly the characters XML 1.0 forbids
const forbiddenCharacters = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;
const maxMultiSelectValues = 150;
/** Amounts are kept and shown with four decimals, whatever the column's own precision is. */
const storedMoneyPrecision = 4;
const shownCharacters = 200;

const edmTypes: Readonly<Record<string, string>> = {
  String: 'Edm.String', Memo: 'Edm.String', Integer: 'Edm.Int32', BigInt: 'Edm.Int64', Decimal: 'Edm.Decimal', Double: 'Edm.Double',
  Money: 'Edm.Decimal', Boolean: 'Edm.Boolean', Picklist: 'Edm.Int32', State: 'Edm.Int32', Status: 'Edm.Int32',
  MultiSelectPicklist: 'Edm.String', DateTime: 'Edm.DateTimeOffset', Uniqueidentifier: 'Edm.Guid', Image: 'Edm.Binary',
}; // prettier-ignore

/**
 * A date-time in the stored form: UTC, to the second. No offset is read as UTC. `undefined` when it is no date.
 * learn.microsoft.com/power-apps/developer/data-platform/behavior-format-date-time-attribute
 */
export function normaliseDateTime(source: string): string | undefined {
  const match = dateTimePattern.exec(source);
  if (match === null) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', offset = 'Z'] = match;
  // JavaScript rolls 30 February over and takes 24:00; the service refuses both.
  if (Number(day) > daysInMonth(Number(year), Number(month)) || Number(hour) > 23) return undefined;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset.toUpperCase()}`);
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString();
  // Years beyond 9999 and before 0 have a sign and six digits.
  return text.length === isoLength ? `${text.slice(0, 19)}Z` : undefined;
}

const isoLength = '2024-05-31T10:00:00.000Z'.length;
/** `month` counts from 1. */
const daysInMonth = (year: number, month: number): number =>
  new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();

/** How a column reads a JSON value: checked, rounded and in the stored form. Throws `ODataError` with the documented codes. */
export function columnParser(table: TableDefinition, column: ColumnDefinition): ParseValue {
  const parse = typedParser(table, column);
  return (raw) => (raw === null ? null : parse(raw));
}

function typedParser(table: TableDefinition, column: ColumnDefinition): ParseValue {
  switch (column.type) {
    case 'String':
    case 'Memo':
      return textParser(table, column);
    case 'Integer':
    case 'BigInt':
    case 'Decimal':
    case 'Double':
    case 'Money':
      return numberParser(table, column);
    case 'Boolean':
      return (raw) => (typeof raw === 'boolean' ? raw : wrongType(table, column, raw));
    case 'Picklist':
    case 'State':
    case 'Status':
      return choiceParser(table, column);
    case 'MultiSelectPicklist':
      return multiChoiceParser(table, column);
    case 'DateTime':
      return column.behavior === 'DateOnly' ? dateParser(table, column) : dateTimeParser(table, column);
    case 'Uniqueidentifier':
      return (raw) => (typeof raw === 'string' && isGuid(raw) ? raw.toLowerCase() : wrongType(table, column, raw));
    case 'Image':
      return (raw) => (typeof raw === 'string' ? raw : wrongType(table, column, raw));
    case 'Lookup':
    case 'Customer':
    case 'Owner':
      return (raw) => wrongType(table, column, raw);
  }
}

/** The OData type of a column that is no lookup. */
export const edmTypeOf = ({ type, behavior }: ColumnDefinition): string =>
  behavior === 'DateOnly' ? 'Edm.Date' : (edmTypes[type] ?? 'Edm.EntityType');

function wrongType(table: TableDefinition, column: ColumnDefinition, raw: unknown): never {
  throw payloadError(
    table.entitySetName,
    `Cannot convert the literal '${shown(raw)}' to the expected type '${edmTypeOf(column)}'.`,
  );
}

/** A refused value as a message names it: no more of it than one can read. */
function shown(raw: unknown): string {
  if (raw instanceof ExactNumber) return raw.text;
  if (Array.isArray(raw)) return '[...]';
  return typeof raw === 'string' ? raw.slice(0, shownCharacters) : isJsonObject(raw) ? '{...}' : JSON.stringify(raw);
}

function textParser(table: TableDefinition, column: ColumnDefinition): ParseValue {
  const maxLength = column.maxLength ?? (column.type === 'Memo' ? 2000 : 100);
  return (raw) => {
    if (typeof raw !== 'string') return wrongType(table, column, raw);
    if (raw.length > maxLength) {
      throw new ODataError(
        400,
        errorCodes.stringTooLong,
        `A validation error occurred. The length of the '${column.logicalName}' attribute of the '${table.logicalName}' entity exceeded the maximum allowed length of '${maxLength}'.`,
      );
    }
    if (forbiddenCharacters.test(raw)) {
      throw new ODataError(400, '0x80040278', `The value of '${column.logicalName}' contains invalid characters.`);
    }
    return raw;
  };
}

function numberParser(table: TableDefinition, column: ColumnDefinition): ParseValue {
  const isWhole = column.type === 'Integer' || column.type === 'BigInt';
  const limits = numericLimits(column);
  const precision = column.type === 'Money' ? storedMoneyPrecision : limits.precision;
  return (raw) => {
    if (typeof raw !== 'number' && !(raw instanceof ExactNumber)) return wrongType(table, column, raw);
    const value = isWhole ? wholeNumber(raw) : typeof raw === 'number' ? raw : raw.text;
    if (value === undefined) return wrongType(table, column, raw);
    if (!isInRange(value, limits)) {
      throw new ODataError(
        400,
        isWhole ? errorCodes.integerOutOfRange : errorCodes.decimalOutOfRange,
        `A validation error occurred. The value of '${column.logicalName}' on record of type '${table.logicalName}' is outside the valid range.`,
      );
    }
    if (isWhole) return value;
    return column.type === 'Double' ? roundDecimal(Number(value), precision) : roundDecimal(raw, precision);
  };
}

function optionError(table: TableDefinition, column: ColumnDefinition, raw: unknown): ODataError {
  const accepted = (column.options ?? []).map((option) => option.value).join(',');
  return new ODataError(
    400,
    errorCodes.optionInvalid,
    `A validation error occurred. The value ${String(raw)} of '${column.logicalName}' on record of type '${table.logicalName}' is outside the valid range. Accepted Values: ${accepted}`,
  );
}

function choiceParser(table: TableDefinition, column: ColumnDefinition): ParseValue {
  const allowed = new Set((column.options ?? []).map((option) => option.value));
  return (raw) => {
    if (typeof raw !== 'number' || !Number.isInteger(raw)) return wrongType(table, column, raw);
    if (!allowed.has(raw)) throw optionError(table, column, raw);
    return raw;
  };
}

function multiChoiceParser(table: TableDefinition, column: ColumnDefinition): ParseValue {
  const allowed = new Set((column.options ?? []).map((option) => option.value));
  return (raw) => {
    if (typeof raw !== 'string') return wrongType(table, column, raw);
    if (raw === '') return null;
    const values = raw.split(',').map(Number);
    if (values.length > maxMultiSelectValues || values.some((value) => !allowed.has(value))) {
      throw optionError(table, column, raw);
    }
    return values.join(',');
  };
}

function assertNotTooEarly(column: ColumnDefinition, date: string): void {
  if (date < '1753-01-01') {
    throw new ODataError(
      400,
      errorCodes.invalidDate,
      `DateTime is less than minimum value supported by CrmDateTime. Actual value: ${date}, Minimum value supported: 01/01/1753 00:00:00 (${column.logicalName})`,
    );
  }
}

function dateParser(table: TableDefinition, column: ColumnDefinition): ParseValue {
  return (raw) => {
    if (typeof raw !== 'string' || raw.length !== 10) return wrongType(table, column, raw);
    if (normaliseDateTime(raw) === undefined) return wrongType(table, column, raw);
    assertNotTooEarly(column, raw);
    return raw;
  };
}

function dateTimeParser(table: TableDefinition, column: ColumnDefinition): ParseValue {
  return (raw) => {
    const stored = typeof raw === 'string' ? normaliseDateTime(raw) : undefined;
    if (stored === undefined) return wrongType(table, column, raw);
    assertNotTooEarly(column, stored);
    return stored;
  };
}
