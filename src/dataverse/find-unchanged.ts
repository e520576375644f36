import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { RowOutcome } from '../plan/outcome.ts';
import type { Client } from './client.ts';
import { readVersions, type RowVersion, type VersionsRequest } from './read-versions.ts';

export interface UnchangedRequest extends VersionsRequest {
  /** These rows may have been deleted by an earlier send. */
  readonly repeat: boolean;
}

export interface UnchangedRows {
  /** As they were created; each with the version that may be deleted. */
  readonly unchanged: readonly EncodedRow[];
  /** The others: changed since and kept, not to be read and kept, or gone. */
  readonly settled: readonly RowOutcome[];
}

/**
 * Reads which rows are still as their create left them: modified no later than created. The service tells both in whole seconds, so a change
 * within the second of the create is not seen. Throws like `writeRows`.
 */
export async function findUnchanged(client: Client, request: UnchangedRequest): Promise<UnchangedRows> {
  const unchanged: EncodedRow[] = [];
  const settled: RowOutcome[] = [];
  const versions = await readVersions(client, request);
  for (const [at, row] of request.rows.entries()) {
    const found = judge(row, versions[at], request.repeat);
    if ('outcome' in found) settled.push(found);
    else unchanged.push(found);
  }
  return { unchanged, settled };
}

function judge(row: EncodedRow, version: RowVersion | undefined, repeat: boolean): EncodedRow | RowOutcome {
  if (version === undefined) throw new Error(`Row ${row.row} was to be read and has no version.`);
  if (version.kind === 'unreadable') {
    const message = `The row cannot be read, so nobody knows whether it was changed, and it is kept: ${version.reason}`;
    const rejection = { class: 'service', code: 'undo.unreadable', message } as const;
    // An earlier send may have deleted it.
    return { row: row.row, outcome: repeat ? 'unknown' : 'rejected', rejection };
  }
  if (version.kind === 'absent') {
    if (repeat) return { row: row.row, outcome: 'deleted', recovered: true };
    return { row: row.row, outcome: 'alreadyAbsent' };
  }
  const { etag, createdOn, modifiedOn } = version;
  if (etag !== undefined && createdOn === modifiedOn) return { ...row, etag };
  const message = `The row was changed at ${modifiedOn ?? 'an unknown time'}, after it was created, and is kept.`;
  return { row: row.row, outcome: 'rejected', rejection: { class: 'service', code: 'undo.changed', message } };
}
