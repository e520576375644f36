import { apiRoot } from './client.ts';
import type { Sent } from './client.ts';
import type { Answer } from './send.ts';
import { mayHaveCommitted } from './error-table.ts';
import type { ServiceFault } from './error-table.ts';
import { BatchRejectedError, MalformedAnswerError, TransientError } from './errors.ts';
import { optionHeaders, optionQuery } from './headers.ts';
import { buildBatchBody, maxBatchOperations, writeOperation } from './odata-batch.ts';
import type { BatchOperation } from './odata-batch.ts';
import { parseBatchAnswer } from './odata-batch-answer.ts';
import type { BatchPart } from './odata-batch-answer.ts';
import {
  busyPauseMs,
  markRepeat,
  settleByFault,
  settleRefusal,
  settleSuccess,
  throwIfForAllRows,
} from './pending-row.ts';
import type { PendingRow, WriteCall } from './pending-row.ts';
import { readFault } from './read-error.ts';
import { readRetryAfter } from './retry-after.ts';
import { noteSession, sessionTokenHeader } from './session.ts';
import type { ThrottleGate } from './throttle-gate.ts';

/** What one operation of a batch came to. */
export type PartResult =
  { readonly ok: true; readonly body: string } | { readonly ok: false; readonly fault: ServiceFault };

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
    if ('results' in sent) {
      left = await settleParts(call, left, sent.results);
    } else if (sent.refused.class === 'busy') {
      await pauseOrGiveUp(call, sent.refused, refusals);
      refusals += 1;
    } else {
      const middle = Math.ceil(left.length / 2);
      await settleOneBatch(call, left.slice(0, middle));
      left = left.slice(middle);
    }
  }
}

/** A batch that stays refused as a whole says nothing of any of its rows. */
export async function pauseOrGiveUp(call: WriteCall, fault: ServiceFault, refusals: number): Promise<void> {
  const pauseMs = busyPauseMs(refusals);
  if (pauseMs === undefined) {
    throw new TransientError(fault.message, {
      httpStatus: fault.httpStatus,
      serviceErrorCode: fault.code,
      serviceRequestId: fault.serviceRequestId,
      maybeCommitted: mayHaveCommitted(fault),
      exhausted: true,
    });
  }
  await call.client.clock.sleep(pauseMs, call.signal);
}

type SentRows = { readonly results: readonly PartResult[] } | { readonly refused: ServiceFault };

/** One batch for these rows: a result for each, none when they are settled already, or the refusal of more than one. */
async function sendRows(call: WriteCall, rows: readonly PendingRow[]): Promise<SentRows> {
  const sent = { apiRoot, query: optionQuery(call.options), headers: optionHeaders(call.options) };
  const operations = rows.map(({ row }) => writeOperation(call.target, call.operation, row, sent));
  const requestsBefore = call.log.requests;
  try {
    const reply = await sendBatch(call, operations, (parts) => checkIds(parts, rows));
    if (reply.maybeCommittedBefore) markRepeat(rows);
    call.lesson.meter(call.operation).noteBatch(rows.length, reply.ms);
    return { results: reply.value };
  } catch (error) {
    const fault = faultOfAll(error, rows);
    if (fault === undefined) throw error;
    throwIfForAllRows(call, fault);
    if (rows.length > 1) return { refused: fault };
    if (fault.class !== 'transient') return { results: rows.map(() => ({ ok: false, fault })) };
    for (const pending of rows) settleAfterTries(call, pending, fault);
    return { results: [] };
  } finally {
    const sends = call.log.requests - requestsBefore;
    for (const pending of rows) pending.sends += sends;
  }
}

/** The refusal of a whole batch; undefined for errors that settle nothing. */
function faultOfAll(error: unknown, rows: readonly PendingRow[]): ServiceFault | undefined {
  if (error instanceof BatchRejectedError) {
    if (error.maybeCommittedBefore || mayHaveCommitted(error.fault)) markRepeat(rows);
    // It is the batch that is absent or there already, not a row.
    const ofBatch = error.fault.class === 'absent' || error.fault.class === 'duplicate';
    return ofBatch ? { ...error.fault, class: 'row' } : error.fault;
  }
  if (error instanceof TransientError && rows.length === 1) {
    if (error.maybeCommitted) markRepeat(rows);
    return faultOfTransient(error);
  }
  return undefined;
}

/** The service did answer, to the last attempt, with an error of its own: a verdict where it concerns one row. */
export function faultOfTransient(error: TransientError): ServiceFault | undefined {
  const { httpStatus, serviceErrorCode, serviceRequestId } = error;
  if (!error.exhausted || httpStatus === undefined || httpStatus < 500 || serviceErrorCode === undefined)
    return undefined;
  return {
    class: 'transient',
    httpStatus,
    code: serviceErrorCode,
    message: error.message,
    ...(serviceRequestId !== undefined && { serviceRequestId }),
  };
}

/** Settles what is decided; returns the rows to send again, after the pause they ask for. */
async function settleParts(
  call: WriteCall,
  rows: readonly PendingRow[],
  results: readonly PartResult[],
): Promise<PendingRow[]> {
  const again: PendingRow[] = [];
  let pauseMs = 0;
  const oneSucceeded = results.some(({ ok }) => ok);
  for (const [index, pending] of rows.entries()) {
    const result = results[index];
    if (result?.ok === true) {
      settleSuccess(call, pending);
    } else if (result !== undefined) {
      // What looks like a fault of every row is one of this row when another row got through beside it.
      const ofThisRow = oneSucceeded && result.fault.class === 'run';
      const wait = afterFault(call, pending, ofThisRow ? { ...result.fault, class: 'row' } : result.fault);
      if (wait === undefined) continue;
      again.push(pending);
      pauseMs = Math.max(pauseMs, wait);
    }
  }
  if (pauseMs > 0) await call.client.clock.sleep(pauseMs, call.signal);
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

/** Sends operations in one batch with continue-on-error and brings one result for each, in their order. */
export async function sendBatch(
  call: WriteCall,
  operations: readonly BatchOperation[],
  check: (parts: readonly BatchPart[]) => void,
): Promise<Sent<readonly PartResult[]>> {
  const { body, contentType } = buildBatchBody(operations);
  return call.client.send({
    method: 'POST',
    path: '$batch',
    headers: { ...optionHeaders(call.options), 'content-type': contentType, prefer: 'odata.continue-on-error' },
    body,
    repeatable: true,
    deadlineAtMs: call.deadlineAtMs,
    signal: call.signal,
    log: call.log,
    read(answer, gate) {
      const parts = parseBatchAnswer(
        { contentType: answer.header('content-type'), body: answer.body },
        operations.length,
      );
      check(parts);
      return readParts(call, parts, { answer, gate });
    },
  });
}

interface Outer {
  readonly answer: Answer;
  readonly gate: ThrottleGate;
}

function readParts(call: WriteCall, parts: readonly BatchPart[], outer: Outer): PartResult[] {
  const outerRequestId = outer.answer.header('x-ms-service-request-id');
  noteSession(call, outer.answer.header(sessionTokenHeader));
  return parts.map((part) => {
    noteSession(call, part.headers.get(sessionTokenHeader));
    if (part.status < 300) return { ok: true, body: part.body };
    const serviceRequestId =
      part.headers.get('x-ms-service-request-id') ?? part.headers.get('req_id') ?? outerRequestId;
    const fault = readFault({ httpStatus: part.status, body: part.body, serviceRequestId });
    if (fault.class === 'throttled') closeGate(call, part, fault, outer);
    return { ok: false, fault };
  });
}

function closeGate(call: WriteCall, part: BatchPart, fault: ServiceFault, { answer, gate }: Outer): void {
  const facet = fault.facet ?? 'other';
  const told = readRetryAfter({
    retryAfter: part.headers.get('retry-after') ?? answer.header('retry-after'),
    date: answer.header('date'),
    nowMs: call.client.clock.now(),
  });
  const retryAfterMs = gate.throttled({ facet, retryAfterMs: told });
  call.log.throttles.push({ facet, retryAfterMs });
}

/** Where a part names the row it wrote, it must be the row of its operation. */
function checkIds(parts: readonly BatchPart[], rows: readonly PendingRow[]): void {
  for (const [index, part] of parts.entries()) {
    const key = rows[index]?.row.key;
    const named = /\(([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\)$/i.exec(part.headers.get('odata-entityid') ?? '');
    if (key?.kind === 'id' && named?.[1] !== undefined && named[1].toLowerCase() !== key.id) {
      throw new MalformedAnswerError('A part of the batch answer names the row of another operation.');
    }
  }
}
