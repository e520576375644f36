import { MalformedAnswerError } from './errors.ts';
import type { WriteTarget } from './bulk-messages.ts';
import { guidForm } from './guid-form.ts';
import { keySegment } from './key-text.ts';
import type { PendingRow } from './pending-row.ts';
import type { SentOperation } from './send-operations.ts';

const guids = new RegExp(guidForm, 'g');

/**
 * What tells, of rows that are sent together, that a success is that of its own row: where the answer names a row (`OData-EntityId`), it must
 * be the one of the operation. A name that cannot be read says nothing. A success that brings an error is none.
 */
export function createRowCheck(
  target: WriteTarget,
  rows: readonly PendingRow[],
): (pending: PendingRow) => SentOperation['check'] {
  const rowByKey = new Map(rows.map((pending) => [nameIn(keySegment(target, pending.row.key)), pending]));
  return (pending) => (answer) => {
    if (answer.body.startsWith('{"error"')) throw new MalformedAnswerError('A success brings an error.');
    const name = nameIn(answer.header('odata-entityid') ?? '');
    if (name === undefined) return;
    const { key } = pending.row;
    const named = rowByKey.get(name);
    const isOther = named !== undefined && named !== pending;
    // An elastic table names its partition as well, which may be a GUID too.
    const ids: readonly string[] = name.match(guids) ?? [];
    if (isOther || (key.kind === 'id' && ids.length > 0 && !ids.includes(key.id))) {
      throw new MalformedAnswerError('A success names the row of another operation.');
    }
  };
}

/** What stands between the parentheses at the end, decoded, in lower case. */
function nameIn(address: string): string | undefined {
  const text = /\((.+)\)$/.exec(address)?.[1];
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text).toLowerCase();
  } catch {
    return undefined;
  }
}
