import { apiRoot } from './api-root.ts';
import { mayHaveCommitted } from './error-table.ts';
import type { ServiceFault } from './error-table.ts';
import { BatchRejectedError, factsOfFault, faultOfError, TransientError } from './errors.ts';
import { halvesOf } from './halves.ts';
import { optionHeaders, optionQuery } from './headers.ts';
import { createRowCheck } from './named-rows.ts';
import { maxBatchOperations, writeOperation } from './odata-batch.ts';
import {
  busyPauseMs,
  markRepeat,
  noteSends,
  pauseWithin,
  sendsOf,
  settleByFault,
  settleRefusal,
  settleSuccess,
  throwIfForAllRows,
} from './pending-row.ts';
import type { PendingRow, TableCall, WriteCall } from './pending-row.ts';
import { sendOperations } from './send-operations.ts';
import type { OperationResults } from './send-operations.ts';

/**
 * Sends rows as batches whose operations succeed or fail each for itself, until every one of them is settled or doubtful. Used for what no
 * bulk message can do, and to find the rows that made one fail.
 */
export async function settleByBatch(call: WriteCall, rows: readonly PendingRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += maxBatchOperations) {
    await settleOneBatch(call, rows.slice(from, from + maxBatchOperations));
  }
}

async function settleOneBatch(call: WriteCall, rows: readonly PendingRow[]): Promise<void> {
  let left = rows;
  for (let refusals = 1; left.length > 0;) {
    const sent = await sendRows(call, left);
    if (sent === 'settled') return;
    if ('results' in sent) {
      left = await settleParts(call, left, sent.results);
    } else if (sent.refused.class === 'busy') {
      await pauseOrGiveUp(call, sent.refused, refusals);
      refusals += 1;
    } else {
      const [first, second] = halvesOf(left);
      await settleOneBatch(call, first);
      left = second;
    }
  }
}

/** A batch that stays refused as a whole says nothing of any of its rows. */
export async function pauseOrGiveUp(call: TableCall, fault: ServiceFault, refusals: number): Promise<void> {
  const pauseMs = busyPauseMs(refusals);
  if (pauseMs === undefined) {
    const facts = factsOfFault(fault);
    throw new TransientError(fault.message, { ...facts, maybeCommitted: mayHaveCommitted(fault), exhausted: true });
  }
  await pauseWithin(call, pauseMs);
}

type SentRows = { readonly results: OperationResults } | { readonly refused: ServiceFault } | 'settled';

/** One request for these rows: a result for each that was reached, or the refusal of all of them together. */
async function sendRows(call: WriteCall, rows: readonly PendingRow[]): Promise<SentRows> {
  const sent = { apiRoot, query: optionQuery(call.options), headers: optionHeaders(call.options) };
  const check = createRowCheck(call.target, rows);
  const operations = rows.map((pending) => ({
    ...writeOperation(call.target, call.operation, pending.row, sent),
    check: check(pending),
  }));
  const before = sendsOf(call);
  try {
    const reply = await sendOperations(call, operations);
    if (reply.maybeCommittedBefore) markRepeat(rows);
    if (rows.length > 1) call.lesson.meter(call.operation).noteBatch(rows.length, reply.ms);
    return { results: reply.value };
  } catch (error) {
    return refusalOf(call, rows, error);
  } finally {
    noteSends(call, rows, before);
  }
}

/** Of a request that as a whole was refused or got no decision; rethrows errors that settle nothing. */
function refusalOf(call: WriteCall, rows: readonly PendingRow[], error: unknown): SentRows {
  if (error instanceof BatchRejectedError) {
    if (error.maybeCommittedBefore || mayHaveCommitted(error.fault)) markRepeat(rows);
    throwIfForAllRows(call, error.fault);
    return { refused: error.fault };
  }
  const [only] = rows;
  const fault = error instanceof TransientError && rows.length === 1 ? faultOfTransient(error) : undefined;
  if (fault === undefined || only === undefined) throw error;
  only.repeat = true;
  settleAfterTries(call, only, fault);
  return 'settled';
}

/** The service did answer, to the last attempt, with an error of its own: a verdict where it concerns one row. */
export function faultOfTransient(error: TransientError): ServiceFault | undefined {
  const { httpStatus, serviceErrorCode } = error;
  if (!error.exhausted || httpStatus === undefined || httpStatus < 500 || serviceErrorCode === undefined)
    return undefined;
  return faultOfError(error, 'transient', httpStatus);
}

/** Settles what is decided; returns the rows to send again, after the pause they ask for. */
async function settleParts(
  call: WriteCall,
  rows: readonly PendingRow[],
  results: OperationResults,
): Promise<PendingRow[]> {
  const again: PendingRow[] = [];
  let pauseMs = 0;
  const oneSucceeded = results.some((result) => result?.ok === true);
  for (const [index, pending] of rows.entries()) {
    const result = results[index];
    if (result === undefined) {
      again.push(pending);
    } else if (result.ok) {
      settleSuccess(call, pending);
    } else {
      // What looks like a fault of every row is one of this row when another row got through beside it.
      const ofThisRow = oneSucceeded && result.fault.class === 'run';
      const wait = afterFault(call, pending, ofThisRow ? { ...result.fault, class: 'row' } : result.fault);
      if (wait === undefined) continue;
      again.push(pending);
      pauseMs = Math.max(pauseMs, wait);
    }
  }
  if (pauseMs > 0) await pauseWithin(call, pauseMs);
  return again;
}

/** Undefined when the row is settled, else the pause before its next send. */
function afterFault(call: WriteCall, pending: PendingRow, fault: ServiceFault): number | undefined {
  if (mayHaveCommitted(fault)) pending.repeat = true;
  // The gate, closed by now, does the waiting.
  if (fault.class === 'throttled') return 0;
  if (fault.class === 'busy' || fault.class === 'transient') {
    pending.busySends += 1;
    const pauseMs = busyPauseMs(pending.busySends);
    if (pauseMs !== undefined) return pauseMs;
    settleAfterTries(call, pending, fault);
    return undefined;
  }
  return settleByFault(call, pending, fault) === 'again' ? 0 : undefined;
}

/** After the tries an undecided error counts as the row's refusal. */
export function settleAfterTries(call: WriteCall, pending: PendingRow, fault: ServiceFault): void {
  if (fault.class === 'transient' && fault.code === undefined) {
    throw new TransientError(fault.message, { httpStatus: fault.httpStatus, maybeCommitted: true });
  }
  settleRefusal(call, pending, fault);
}
