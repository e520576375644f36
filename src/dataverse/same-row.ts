import { guidForm } from './guid-form.ts';
import { readOneByte } from './one-byte.ts';
import { isSince } from './since.ts';

const idInReference = new RegExp(`\\((${guidForm})\\)$`, 'i');
const isoDate = /^\d{4}-\d{2}-\d{2}(T|$)/;

/**
 * Whether a row that was read holds everything that was sent for it, and is not older than `sinceMs`, by the service's clock. `members` are those of
 * an encoded row, in one-byte text. What cannot be compared (a lookup bound by an alternate key, a column that is not read) counts as equal.
 */
export function isSameRow(
  members: string,
  read: Readonly<Record<string, unknown>>,
  sinceMs: number | undefined,
): boolean {
  const sent = JSON.parse(readOneByte(`{${members}}`)) as Record<string, unknown>;
  // Rows may be given an earlier date of creation on purpose.
  const isOlder =
    typeof read['createdon'] === 'string' && sinceMs !== undefined && !isSince(read['createdon'], sinceMs);
  if (!('overriddencreatedon' in sent) && isOlder) return false;
  return Object.entries(sent).every(([name, value]) => isSameMember(name, value, read));
}

const bindSuffix = '@odata.bind';

function isSameMember(name: string, value: unknown, read: Readonly<Record<string, unknown>>): boolean {
  const property = name.endsWith(bindSuffix) ? name.slice(0, -bindSuffix.length) : name;
  if (property === name && name in read) return isSameValue(value, read[name]);
  // A lookup is written by its navigation property and read by its column, mostly the same name in lower case.
  const column = `_${property.toLowerCase()}_value`;
  if (!(column in read)) return true;
  if (value === null) return read[column] === null;
  const id = typeof value === 'string' ? idInReference.exec(value)?.[1] : undefined;
  return id === undefined || isSameValue(id, read[column]);
}

/** The service stores an empty text as nothing, a number in its column's precision, an instant in UTC. */
function isSameValue(sent: unknown, read: unknown): boolean {
  if (sent === null || sent === '') return read === null || read === '' || read === undefined;
  if (typeof sent === 'number' && typeof read === 'number') {
    return Math.abs(sent - read) <= Math.max(1e-4, Math.abs(sent) * 1e-9);
  }
  if (typeof sent === 'string' && typeof read === 'string') {
    if (sent.toLowerCase() === read.toLowerCase() || sent.trimEnd() === read.trimEnd()) return true;
    return isoDate.test(sent) && isoDate.test(read) && Date.parse(sent) === Date.parse(read);
  }
  return sent === read;
}
