import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { Operation, RowOutcome } from '../plan/outcome.ts';
import { buildBulkBody, bulkPath, readBulkAnswer } from './bulk-messages.ts';
import type { WriteTarget } from './bulk-messages.ts';
import { newSendLog } from './client.ts';
import type { Client, SendLog, ThrottleEvent } from './client.ts';
import { mayHaveCommitted } from './error-table.ts';
import type { ServiceFault } from './error-table.ts';
import { BatchRejectedError, TransientError } from './errors.ts';
import { jsonContent, optionHeaders, optionQuery } from './headers.ts';
import type { WriteOptions } from './headers.ts';
import { separateEqualKeys } from './key-text.ts';
import { busyPauseMs, settleByFault, settleSuccess } from './pending-row.ts';
import type { BulkTiming, PendingRow, WriteCall } from './pending-row.ts';
import type { BulkMessage, TableMetadata } from './table.ts';
import { verifyCreated } from './verify-created.ts';
import { faultOfTransient, markRepeat, settleAfterTries, settleByBatch } from './write-by-batch.ts';

export type { WriteTarget };

/** The part of the metadata that writing needs, small enough to be stored with a run. */
export function writeTargetOf(table: TableMetadata): WriteTarget {
  const { logicalName, entitySetName, primaryIdColumn, tableType, bulk } = table;
  return { logicalName, entitySetName, primaryIdColumn, tableType, bulk };
}

export interface WriteRequest {
  readonly table: WriteTarget;
  readonly operation: Operation;
  /** In source order; of equal keys the last one wins. */
  readonly rows: readonly EncodedRow[];
  readonly options: WriteOptions;
  /** These rows may have been sent before. What they meet may then be their own work. */
  readonly repeat: boolean;
  /** No throttle and no back-off is waited for beyond this, on the client's clock. Work that needs no wait goes on. */
  readonly deadlineAtMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Filled while sending; the way to know what a call has cost that threw. */
  readonly log?: SendLog;
}

export interface WriteResult {
  /** One per row, in the order of the rows. */
  readonly outcomes: readonly RowOutcome[];
  /** HTTP requests in the log of this call, repeats included. */
  readonly requests: number;
  readonly throttles: readonly ThrottleEvent[];
  /** Each bulk message that succeeded. */
  readonly timings: readonly BulkTiming[];
  /** The latest `x-ms-dop-hint`, when one came. */
  readonly dopHint?: number;
}

/**
 * Writes rows and finds out what became of each. Uses the bulk message of the operation where the table has one, else batches
 * that go on behind an error; rows that make a bulk message fail are found by such a batch.
 *
 * Throws `RequestRejectedError` when no row of the run can be accepted, `ThrottledError` when the identity has to wait beyond the
 * deadline, `TransientError` when no decision could be had, or the signal's reason. Then no outcome of this call is known: the rows
 * have to be sent again with `repeat: true`.
 */
export async function writeRows(client: Client, request: WriteRequest): Promise<WriteResult> {
  const call: WriteCall = {
    client,
    target: request.table,
    operation: request.operation,
    options: request.options,
    deadlineAtMs: request.deadlineAtMs,
    signal: request.signal,
    log: request.log ?? newSendLog(),
    timings: [],
    outcomes: new Map(),
    doubtful: [],
  };
  const layers = separateEqualKeys(request.rows.map((row) => ({ row })));
  const pendingByRow = new Map<EncodedRow, PendingRow>();
  for (const [layer, items] of layers.entries()) {
    const rows = items.map(({ row }): PendingRow => {
      const pending = {
        row,
        shadowed: layer > 0,
        repeat: request.repeat || row.maybeSent === true,
        sends: 0,
        busySends: 0,
        raced: false,
      };
      pendingByRow.set(row, pending);
      return pending;
    });
    await settleRows(call, rows);
  }
  if (call.doubtful.length > 0) await verifyCreated(call);
  return {
    outcomes: request.rows.map((row) => outcomeOf(call, pendingByRow.get(row))),
    requests: call.log.requests,
    throttles: call.log.throttles,
    timings: call.timings,
    ...(call.log.dopHint !== undefined && { dopHint: call.log.dopHint }),
  };
}

function outcomeOf(call: WriteCall, pending: PendingRow | undefined): RowOutcome {
  const outcome = pending === undefined ? undefined : call.outcomes.get(pending);
  if (outcome === undefined) throw new Error('A row was left without an outcome.');
  return outcome;
}

async function settleRows(call: WriteCall, rows: readonly PendingRow[]): Promise<void> {
  const message = messageFor(call, rows);
  await (message === undefined ? settleByBatch(call, rows) : settleByMessage(call, message, rows));
}

const messages = {
  create: 'CreateMultiple',
  update: 'UpdateMultiple',
  upsert: 'UpsertMultiple',
  delete: 'DeleteMultiple',
} as const satisfies Record<Operation, BulkMessage>;

/** Only UpsertMultiple takes alternate keys (learn.microsoft.com/power-apps/developer/data-platform/bulk-operations). */
function messageFor(call: WriteCall, rows: readonly PendingRow[]): BulkMessage | undefined {
  const message = messages[call.operation];
  if (!call.target.bulk[message]) return undefined;
  // A bulk message has no place for the version that a row must have.
  if (rows.some(({ row }) => row.etag !== undefined)) return undefined;
  const takesKeys = message === 'UpsertMultiple' || rows.every(({ row }) => row.key.kind === 'id');
  return takesKeys ? message : undefined;
}

/** Sends one bulk message until it succeeds, or until something smaller has to be tried. */
async function settleByMessage(call: WriteCall, message: BulkMessage, rows: readonly PendingRow[]): Promise<void> {
  for (let busySends = 1; ; busySends += 1) {
    const fault = await sendBulk(call, message, rows);
    if (fault === undefined) {
      for (const pending of rows) settleSuccess(call, pending);
      return;
    }
    const pauseMs = fault.class === 'busy' && fault.items === undefined ? busyPauseMs(busySends) : undefined;
    if (pauseMs === undefined) {
      await settleByLess(call, message, rows, fault);
      return;
    }
    // Only a standard table rolls back the rows that had been written.
    if (call.target.tableType === 'Elastic') markRepeat(rows);
    await call.client.clock.sleep(pauseMs, call.signal);
  }
}

/** Undefined after a success, else the refusal of the message. */
async function sendBulk(
  call: WriteCall,
  message: BulkMessage,
  pending: readonly PendingRow[],
): Promise<ServiceFault | undefined> {
  const rows = pending.map(({ row }) => row);
  const requestsBefore = call.log.requests;
  try {
    const sent = await call.client.send({
      method: 'POST',
      path: bulkPath(message, call.target) + optionQuery(call.options),
      headers: { ...jsonContent, ...optionHeaders(call.options), ...itemErrors(call.target) },
      body: buildBulkBody(message, call.target, rows),
      repeatable: true,
      deadlineAtMs: call.deadlineAtMs,
      signal: call.signal,
      log: call.log,
      read: (answer) => readBulkAnswer(message, rows, answer),
    });
    call.timings.push({ rows: rows.length, ms: sent.ms });
    return undefined;
  } catch (error) {
    return faultOf(error, pending);
  } finally {
    const sends = call.log.requests - requestsBefore;
    for (const row of pending) row.sends += sends;
  }
}

/** Without it an elastic table does not say which rows failed. */
function itemErrors(target: WriteTarget): Record<string, string> {
  return target.tableType === 'Elastic' ? { prefer: 'odata.include-annotations="*"' } : {};
}

/** The refusal behind an error, with the rows marked by what it leaves open; rethrows errors that settle nothing. */
function faultOf(error: unknown, rows: readonly PendingRow[]): ServiceFault {
  if (error instanceof BatchRejectedError) {
    if (error.maybeCommittedBefore || mayHaveCommitted(error.fault)) markRepeat(rows);
    return error.fault;
  }
  const fault = error instanceof TransientError ? faultOfTransient(error) : undefined;
  if (fault === undefined) throw error;
  markRepeat(rows);
  return fault;
}

/** What a refused bulk message leads to: halves when it was too large, else the rows each for itself. */
async function settleByLess(
  call: WriteCall,
  message: BulkMessage,
  rows: readonly PendingRow[],
  fault: ServiceFault,
): Promise<void> {
  const [only] = rows;
  if (fault.class === 'tooLarge' && rows.length > 1) {
    const middle = Math.ceil(rows.length / 2);
    await settleByMessage(call, message, rows.slice(0, middle));
    await settleByMessage(call, message, rows.slice(middle));
  } else if (rows.length > 1 || only === undefined || call.target.tableType === 'Elastic') {
    await settleByBatch(call, rowsToRepeat(call, rows, fault));
  } else if (fault.class === 'transient') {
    settleAfterTries(call, only, fault);
  } else if (fault.class === 'unsupported' || settleByFault(call, only, fault) === 'again') {
    await settleByBatch(call, rows);
  }
}

/**
 * All rows on a standard table, where a bulk message is one transaction. On an elastic table only those it lists: the others are
 * written. Its errors may come after the write, so all but clear refusals may have happened
 * (learn.microsoft.com/power-apps/developer/data-platform/bulk-operations).
 */
function rowsToRepeat(call: WriteCall, rows: readonly PendingRow[], fault: ServiceFault): readonly PendingRow[] {
  if (call.target.tableType !== 'Elastic') return rows;
  const statusByIndex = new Map(fault.items?.map(({ index, httpStatus }) => [index, httpStatus]));
  const complete = statusByIndex.size > 0 && [...statusByIndex.keys()].every((index) => index < rows.length);
  if (!complete) {
    markRepeat(rows);
    return rows;
  }
  const failed: PendingRow[] = [];
  for (const [index, pending] of rows.entries()) {
    const status = statusByIndex.get(index) ?? 200;
    if (status < 300) {
      settleSuccess(call, pending);
      continue;
    }
    if (status >= 500 || status === 408) pending.repeat = true;
    failed.push(pending);
  }
  return failed;
}
