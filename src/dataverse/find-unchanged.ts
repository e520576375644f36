import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { RowOutcome } from '../plan/outcome.ts';
import type { WriteTarget } from './bulk-messages.ts';
import { apiRoot, type Client, type SendLog } from './client.ts';
import { TransientError } from './errors.ts';
import { keySegment } from './key-text.ts';
import { buildBatchBody, maxBatchOperations, type BatchOperation } from './odata-batch.ts';
import { parseBatchAnswer, type BatchPart } from './odata-batch-answer.ts';
import { readFault } from './read-error.ts';

export interface UnchangedRequest {
  readonly table: WriteTarget;
  /** Rows named by primary id. */
  readonly rows: readonly EncodedRow[];
  /** These rows may have been deleted by an earlier send. */
  readonly repeat: boolean;
  readonly deadlineAtMs: number;
  readonly log: SendLog;
}

export interface UnchangedRows {
  /** As they were created; each with the version that may be deleted. */
  readonly unchanged: readonly EncodedRow[];
  /** The others: changed since and kept, or gone. */
  readonly settled: readonly RowOutcome[];
}

/** Reads which rows are still as their create left them: nothing has modified them since. Throws like `writeRows`. */
export async function findUnchanged(client: Client, request: UnchangedRequest): Promise<UnchangedRows> {
  const unchanged: EncodedRow[] = [];
  const settled: RowOutcome[] = [];
  for (let from = 0; from < request.rows.length; from += maxBatchOperations) {
    const rows = request.rows.slice(from, from + maxBatchOperations);
    const parts = await readAll(client, request, rows);
    for (const [at, row] of rows.entries()) {
      const found = judge(row, parts[at], request.repeat);
      if ('outcome' in found) settled.push(found);
      else unchanged.push(found);
    }
  }
  return { unchanged, settled };
}

async function readAll(
  client: Client,
  request: UnchangedRequest,
  rows: readonly EncodedRow[],
): Promise<readonly BatchPart[]> {
  const { body, contentType } = buildBatchBody(
    rows.map((row): BatchOperation => ({
      method: 'GET',
      path: `${apiRoot}${keySegment(request.table.entitySetName, row.key)}?$select=createdon,modifiedon`,
      headers: {},
    })),
  );
  const sent = await client.send({
    method: 'POST',
    path: '$batch',
    headers: { 'content-type': contentType, prefer: 'odata.continue-on-error' },
    body,
    repeatable: true,
    deadlineAtMs: request.deadlineAtMs,
    log: request.log,
    read: (answer) => parseBatchAnswer({ contentType: answer.header('content-type'), body: answer.body }, rows.length),
  });
  return sent.value;
}

interface ReadVersion {
  readonly '@odata.etag'?: string;
  readonly createdon?: string | null;
  readonly modifiedon?: string | null;
}

function judge(row: EncodedRow, part: BatchPart | undefined, repeat: boolean): EncodedRow | RowOutcome {
  if (part === undefined) throw new Error('A batch answer has fewer parts than it said.');
  if (part.status < 300) {
    const version = JSON.parse(part.body) as ReadVersion;
    const etag = version['@odata.etag'];
    if (etag !== undefined && version.modifiedon === version.createdon) return { ...row, etag };
    const message = `The row was changed at ${version.modifiedon ?? 'an unknown time'}, after it was created, and is kept.`;
    return { row: row.row, outcome: 'rejected', rejection: { class: 'service', code: 'undo.changed', message } };
  }
  const fault = readFault({ httpStatus: part.status, body: part.body, serviceRequestId: undefined });
  if (fault.class !== 'absent')
    throw new TransientError(fault.message, { httpStatus: part.status, maybeCommitted: false, exhausted: true });
  return repeat ? { row: row.row, outcome: 'deleted', recovered: true } : { row: row.row, outcome: 'alreadyAbsent' };
}
