import { apiRoot } from './client.ts';
import { BatchRejectedError } from './errors.ts';
import { keySegment } from './key-text.ts';
import { maxBatchOperations } from './odata-batch.ts';
import type { BatchOperation } from './odata-batch.ts';
import { settleRejection } from './pending-row.ts';
import type { DoubtfulRow, WriteCall } from './pending-row.ts';
import { sendBatch } from './write-by-batch.ts';
import type { PartResult } from './write-by-batch.ts';

/**
 * Looks up the rows that met a duplicate although we chose their ids. There: an earlier send created it. Not there: something
 * else is in the way, and the refusal stands. Not readable: nobody knows.
 */
export async function verifyCreated(call: WriteCall): Promise<void> {
  const byId: DoubtfulRow[] = [];
  for (const doubtful of call.doubtful) {
    // An alternate key does not tell whose row it finds.
    if (doubtful.pending.row.key.kind === 'id') byId.push(doubtful);
    else settleUnknown(call, doubtful);
  }
  for (let from = 0; from < byId.length; from += maxBatchOperations) {
    const rows = byId.slice(from, from + maxBatchOperations);
    const results = await readAll(call, rows);
    for (const [index, row] of rows.entries()) settleByRead(call, row, results[index]);
  }
}

/** No results when the reads were refused as a whole. */
async function readAll(call: WriteCall, rows: readonly DoubtfulRow[]): Promise<readonly PartResult[]> {
  const reads = rows.map((row) => readById(call, row));
  try {
    return (await sendBatch(call, reads, () => undefined)).value;
  } catch (error) {
    if (error instanceof BatchRejectedError) return [];
    throw error;
  }
}

function readById(call: WriteCall, { pending }: DoubtfulRow): BatchOperation {
  const { entitySetName, primaryIdColumn } = call.target;
  const path = `${apiRoot}${keySegment(entitySetName, pending.row.key)}?$select=${primaryIdColumn}`;
  return { method: 'GET', path, headers: {} };
}

function settleByRead(call: WriteCall, doubtful: DoubtfulRow, result: PartResult | undefined): void {
  if (result?.ok === true) {
    call.outcomes.set(doubtful.pending, { row: doubtful.pending.row.row, outcome: 'created', recovered: true });
  } else if (result?.fault.class === 'absent') {
    settleRejection(call, doubtful.pending, doubtful.fault);
  } else {
    settleUnknown(call, doubtful);
  }
}

function settleUnknown(call: WriteCall, { pending }: DoubtfulRow): void {
  call.outcomes.set(pending, { row: pending.row.row, outcome: 'unknown' });
}
