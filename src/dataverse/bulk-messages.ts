import type { EncodedRow, IdKey, RowKey } from '../mapping/encoded-row.ts';
import { MalformedAnswerError } from './errors.ts';
import { readJsonObject } from './read-json.ts';
import type { BulkMessage, TableMetadata } from './table.ts';

/** What a write needs to know of its table. */
export type WriteTarget = Pick<
  TableMetadata,
  'logicalName' | 'entitySetName' | 'primaryIdColumn' | 'tableType' | 'bulk'
>;

/** Path below the API root (learn.microsoft.com/power-apps/developer/data-platform/bulk-operations). */
export function bulkPath(message: BulkMessage, target: WriteTarget): string {
  return `${target.entitySetName}/Microsoft.Dynamics.CRM.${message}`;
}

/** The body of a bulk message, rows in the order given. All rows must have a key that the message takes. */
export function buildBulkBody(message: BulkMessage, target: WriteTarget, rows: readonly EncodedRow[]): Buffer {
  const withMembers = message !== 'DeleteMultiple';
  const type = `{"@odata.type":"Microsoft.Dynamics.CRM.${target.logicalName}",`;
  // What stands before the members of each row, the end of the row before it included.
  let opening = `{"Targets":[${type}`;
  let length = 0;
  const openings = rows.map(({ key, members }) => {
    const isEmpty = !withMembers || members.byteLength === 0;
    const text = opening + keyMember(target, key) + (isEmpty ? '' : ',');
    length += text.length + (isEmpty ? 0 : members.byteLength);
    opening = `},${type}`;
    return text;
  });
  const closing = rows.length === 0 ? '{"Targets":[]}' : '}]}';
  const body = Buffer.allocUnsafe(length + closing.length);
  let end = 0;
  for (let at = 0; at < rows.length; at += 1) {
    end += body.write(openings[at] ?? '', end, 'latin1');
    if (withMembers) end = rows[at]?.members.copyTo(body, end) ?? end;
  }
  body.write(closing, end, 'latin1');
  return body;
}

/** JSON members that name a row by its primary id. */
export function idMembers(target: WriteTarget, { id, partitionId }: IdKey): string {
  const member = `"${target.primaryIdColumn}":"${id}"`;
  return partitionId === undefined ? member : `${member},"partitionid":${JSON.stringify(partitionId)}`;
}

function keyMember(target: WriteTarget, key: RowKey): string {
  if (key.kind === 'id') return idMembers(target, key);
  const { predicate } = key;
  // Escaping works on one-byte text too: it touches only ASCII.
  const escaped = needsEscape.test(predicate) ? JSON.stringify(predicate).slice(1, -1) : predicate;
  return `"@odata.id":"${target.entitySetName}(${escaped})"`;
}

// eslint-disable-next-line no-control-regex -- JSON wants exactly these escaped
const needsEscape = /["\\\0-\x1f]/;

/**
 * Accepts a complete success. CreateMultiple must bring as many ids as there were rows, and ours where we chose them; the others answer
 * 204, or bring a whole object: an empty body with another status is what a cut connection leaves. Throws `MalformedAnswerError`.
 */
export function readBulkAnswer(
  message: BulkMessage,
  rows: readonly EncodedRow[],
  answer: { readonly status: number; readonly body: string },
): void {
  if (message !== 'CreateMultiple') {
    if (answer.status !== 204) readJsonObject(answer.body);
    return;
  }
  const ids = readJsonObject(answer.body)['Ids'];
  if (!Array.isArray(ids) || ids.length !== rows.length) {
    throw new MalformedAnswerError(`CreateMultiple answered without one id for each of ${rows.length} rows.`);
  }
  const ours = rows.every(({ key }, index) => key.kind !== 'id' || String(ids[index]).toLowerCase() === key.id);
  if (!ours) throw new MalformedAnswerError('CreateMultiple answered with ids that are not those of its rows.');
}
