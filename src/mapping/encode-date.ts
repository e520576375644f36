import type { ColumnMetadata } from '../dataverse/table.ts';
import type { CellEncoder, Misfit } from './cell-encoder.ts';

const dateForm = /^(\d{4})-(\d{2})-(\d{2})$/;
const instantForm = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(\.\d{1,7})?)?(?:Z|([+-])(\d{2}):(\d{2}))$/;
const withoutOffset = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/;

/** Dataverse keeps no earlier date (SQL Server's datetime; learn.microsoft.com/sql/t-sql/data-types/datetime-transact-sql). */
const firstYear = 1753;
const firstInstant = Date.UTC(firstYear, 0, 1);
/** Beyond it no date of four digits is left, neither in a request nor there. */
const endOfInstants = Date.UTC(10_000, 0, 1);
const minuteMs = 60_000;
const largestOffsetMinutes = 14 * 60;

const misfit = (problem: string): Misfit => ({ code: 'mapping.date', problem });
const tooEarly = misfit(`is before ${firstYear}-01-01, the first date Dataverse keeps`);
const notACalendarDate = misfit('is not a date of the calendar');

/** Reads a date and time with offset. */
function readInstant(text: string): number | Misfit {
  const match = instantForm.exec(text);
  if (match === null) return misfit(instantProblem(text));
  const part = (group: number) => Number(match[group] ?? 0);
  if (!isCalendarDate(part(1), part(2), part(3))) return notACalendarDate;
  if (part(4) > 23 || part(5) > 59 || part(6) > 59) return misfit('is not a time of the day');
  const offsetMinutes = part(9) * 60 + part(10);
  if (part(10) > 59 || offsetMinutes > largestOffsetMinutes) return misfit('has an offset beyond 14 hours');
  // Date.UTC takes two-digit years for the twentieth century.
  if (part(1) < firstYear - 1) return tooEarly;
  const local = Date.UTC(part(1), part(2) - 1, part(3), part(4), part(5), part(6), Math.trunc(part(7) * 1000));
  const instant = local - (match[8] === '-' ? -1 : 1) * offsetMinutes * minuteMs;
  if (instant >= endOfInstants) return misfit('is after 9999-12-31, the last date Dataverse keeps');
  return instant < firstInstant ? tooEarly : instant;
}

function instantProblem(text: string): string {
  if (withoutOffset.test(text)) return 'has no offset: end it with Z or, for example, +02:00';
  if (dateForm.test(text)) return 'has no time of the day; the column needs one, with Z or an offset';
  return 'is not a date and time such as 2024-05-31T10:00:00Z';
}

function isCalendarDate(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month);
}

function daysOf(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function findDateMisfit(text: string): Misfit | undefined {
  const match = dateForm.exec(text);
  if (match === null) return misfit('is not a date such as 2024-05-31');
  const year = Number(match[1]);
  if (!isCalendarDate(year, Number(match[2]), Number(match[3]))) return notACalendarDate;
  return year < firstYear ? tooEarly : undefined;
}

/** The source's own text, checked: a date for `DateOnly`, else a date and time with `Z` or offset. */
export function dateEncoder(column: ColumnMetadata): CellEncoder {
  if (column.dateTimeBehavior === 'DateOnly') return (text) => findDateMisfit(text) ?? `"${text}"`;
  return (text) => {
    const instant = readInstant(text);
    return typeof instant === 'number' ? `"${text}"` : instant;
  };
}

/** A date literal of a key; instants in UTC, so that equal keys are equal text. */
export function dateKeyEncoder(column: ColumnMetadata): CellEncoder {
  if (column.dateTimeBehavior === 'DateOnly') return (text) => findDateMisfit(text) ?? text;
  return (text) => {
    const instant = readInstant(text);
    return typeof instant === 'number' ? new Date(instant).toISOString().replace('.000Z', 'Z') : instant;
  };
}
