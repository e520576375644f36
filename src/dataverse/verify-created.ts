import { apiRoot } from './client.ts';
import type { ServiceFault } from './error-table.ts';
import { BatchRejectedError } from './errors.ts';
import { keySegment } from './key-text.ts';
import { maxBatchOperations } from './odata-batch.ts';
import type { BatchOperation } from './odata-batch.ts';
import { settleRejection } from './pending-row.ts';
import type { DoubtfulRow, WriteCall } from './pending-row.ts';
import { pauseOrGiveUp, sendBatch } from './write-by-batch.ts';
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
    await settleByReads(call, byId.slice(from, from + maxBatchOperations));
  }
}

/** Reads until every row is settled; what stays undecided ends as `TransientError`, like any other request. */
async function settleByReads(call: WriteCall, rows: readonly DoubtfulRow[]): Promise<void> {
  let left = rows;
  for (let refusals = 1; left.length > 0;) {
    const results = await readAll(call, left);
    left = left.filter((row, index) => !settleByRead(call, row, results[index]));
    const faults = results.flatMap((result) => (result.ok ? [] : [result.fault]));
    const lock = faults.find((fault) => isUndecided(fault) && fault.class !== 'throttled');
    if (lock === undefined) continue;
    await pauseOrGiveUp(call, lock, refusals);
    refusals += 1;
  }
}

/** One result for each row, whether the reads were refused one by one or together. */
async function readAll(call: WriteCall, rows: readonly DoubtfulRow[]): Promise<readonly PartResult[]> {
  const reads = rows.map((row) => readById(call, row));
  try {
    return (await sendBatch(call, reads, () => undefined)).value;
  } catch (error) {
    if (!(error instanceof BatchRejectedError)) throw error;
    // That the batch is absent says nothing of the rows.
    const fault: ServiceFault = error.fault.class === 'absent' ? { ...error.fault, class: 'row' } : error.fault;
    return rows.map(() => ({ ok: false, fault }));
  }
}

function readById(call: WriteCall, { pending }: DoubtfulRow): BatchOperation {
  const { entitySetName, primaryIdColumn } = call.target;
  const path = `${apiRoot}${keySegment(entitySetName, pending.row.key)}?$select=${primaryIdColumn}`;
  return { method: 'GET', path, headers: {} };
}

function isUndecided(fault: ServiceFault): boolean {
  // That a read takes too long says as little of the row.
  return ['busy', 'transient', 'throttled', 'tooLarge'].includes(fault.class);
}

/** False when the read has to be repeated. */
function settleByRead(call: WriteCall, doubtful: DoubtfulRow, result: PartResult | undefined): boolean {
  if (result?.ok === false && isUndecided(result.fault)) return false;
  if (result?.ok === true) {
    call.outcomes.set(doubtful.pending, { row: doubtful.pending.row.row, outcome: 'created', recovered: true });
  } else if (result?.fault.class === 'absent') {
    settleRejection(call, doubtful.pending, doubtful.fault);
  } else {
    settleUnknown(call, doubtful);
  }
  return true;
}

function settleUnknown(call: WriteCall, { pending }: DoubtfulRow): void {
  call.outcomes.set(pending, { row: pending.row.row, outcome: 'unknown' });
}
