import { buildBulkBody, bulkPath, readBulkAnswer } from './bulk-messages.ts';
import { itemErrors, rowsToRepeat } from './elastic-items.ts';
import { mayHaveCommitted } from './error-table.ts';
import type { ServiceFault } from './error-table.ts';
import { BatchRejectedError, TransientError } from './errors.ts';
import { halvesOf } from './halves.ts';
import { jsonContent, optionHeaders, optionQuery } from './headers.ts';
import { chooseIsolation } from './isolation.ts';
import {
  busyPauseMs,
  isSuccess,
  markRepeat,
  noteSends,
  pauseWithin,
  sendsOf,
  settleByFault,
  settleSuccess,
  throwIfForAllRows,
} from './pending-row.ts';
import type { PendingRow, WriteCall } from './pending-row.ts';
import { noteSession, sessionTokenHeader } from './session.ts';
import type { BulkMessage } from './table.ts';
import { faultOfTransient, settleAfterTries, settleByBatch } from './write-by-batch.ts';

/** Whether a bulk message went through as it was, or its rows had to be settled by less. */
type MessageEnd = 'accepted' | 'taken apart';

/** Sends one bulk message until it succeeds, or until something smaller has to be tried. */
export async function settleByMessage(
  call: WriteCall,
  message: BulkMessage,
  rows: readonly PendingRow[],
): Promise<MessageEnd> {
  for (let busySends = 1; ; busySends += 1) {
    const fault = await sendBulk(call, message, rows);
    if (fault === undefined) {
      for (const pending of rows) settleSuccess(call, pending);
      return 'accepted';
    }
    const pauseMs = fault.class === 'busy' && fault.items === undefined ? busyPauseMs(busySends) : undefined;
    if (pauseMs === undefined) {
      await settleByLess(call, message, rows, fault);
      return 'taken apart';
    }
    // Only a standard table rolls back the rows that had been written.
    if (call.target.tableType === 'Elastic') markRepeat(rows);
    await pauseWithin(call, pauseMs);
  }
}

/** Undefined after a success, else the refusal of the message. */
async function sendBulk(
  call: WriteCall,
  message: BulkMessage,
  pending: readonly PendingRow[],
): Promise<ServiceFault | undefined> {
  const rows = pending.map(({ row }) => row);
  const before = sendsOf(call);
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
      heard: (answer) => noteSession(call, answer.header(sessionTokenHeader)),
      read: (answer) => readBulkAnswer(message, rows, answer),
    });
    call.timings.push({ rows: rows.length, ms: sent.ms });
    call.lesson.meter(call.operation).noteMessage(rows.length, sent.ms);
    return undefined;
  } catch (error) {
    return faultOf(error, pending);
  } finally {
    noteSends(call, pending, before);
    // A limit of the service is looked at before any work; another 429 may be that of single rows of an elastic table.
    const throttles = call.log.throttles.slice(before.throttles);
    if (call.target.tableType === 'Elastic' && throttles.some(({ facet }) => facet === 'other')) markRepeat(pending);
  }
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

/** What a refused bulk message leads to: halves when it was too large, else the search for the rows that are to blame. */
async function settleByLess(
  call: WriteCall,
  message: BulkMessage,
  rows: readonly PendingRow[],
  fault: ServiceFault,
): Promise<void> {
  throwIfForAllRows(call, fault);
  const [only] = rows;
  if (fault.class === 'tooLarge' && rows.length > 1) {
    const [first, second] = halvesOf(rows);
    await settleByMessage(call, message, first);
    await settleByMessage(call, message, second);
  } else if (fault.class === 'unsupported' && fault.items === undefined) {
    await settleByBatch(call, rows);
    // The rows went through without it, so it was the message that was refused.
    if (rows.some((pending) => isSuccess(call, pending))) call.lesson.refuse(message);
  } else if (call.target.tableType === 'Elastic') {
    await settleByBatch(call, await rowsToRepeat(call, rows, fault));
  } else if (only === undefined || rows.length > 1) {
    await (pointsAtRows(fault) ? isolate(call, message, rows) : settleByBatch(call, rows));
  } else if (fault.class === 'transient') {
    settleAfterTries(call, only, fault);
  } else if (settleByFault(call, only, fault) === 'again') {
    await settleByBatch(call, rows);
  }
}

function pointsAtRows({ class: of }: ServiceFault): boolean {
  return of === 'row' || of === 'duplicate' || of === 'absent';
}

/** Settles rows of which at least one is bad, by whatever has cost less on this table. */
async function isolate(call: WriteCall, message: BulkMessage, rows: readonly PendingRow[]): Promise<void> {
  if (rows.length === 1) {
    await settleByMessage(call, message, rows);
  } else if (chooseIsolation(rows.length, call.lesson.meter(call.operation).costs()) === 'batch') {
    await settleByBatch(call, rows);
  } else {
    const [first, second] = halvesOf(rows);
    const end = await settleByMessage(call, message, first);
    // A clean first half leaves the bad row to the second, which need not be sent whole to know that.
    await (end === 'accepted' ? isolate(call, message, second) : settleByMessage(call, message, second));
  }
}
