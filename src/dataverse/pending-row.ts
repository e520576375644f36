import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { Operation, Rejection, RowOutcome } from '../plan/outcome.ts';
import type { Client } from './client.ts';
import type { SendLog } from './send-log.ts';
import { isUnknownTable } from './error-table.ts';
import type { ServiceFault } from './error-table.ts';
import { factsOfFault, RequestRejectedError, TransientError } from './errors.ts';
import type { WriteTarget } from './bulk-messages.ts';
import type { WriteOptions } from './headers.ts';
import type { TableLesson } from './table-memory.ts';

/** A row on its way to its outcome. */
export interface PendingRow {
  row: EncodedRow;
  /** An equal key went before it in this call, so what it finds may be the work of that row. */
  shadowed: boolean;
  /** It may have been committed already: found duplicates and absences may be our own doing. */
  repeat: boolean;
  sends: number;
  /** Sends that were rolled back for a lock or the like. */
  busySends: number;
  /** It has lost a race of upserts once. */
  raced: boolean;
  /** Once it is settled. */
  outcome: RowOutcome | undefined;
}

export function newPendingRow(
  row: EncodedRow,
  before: { readonly shadowed: boolean; readonly repeat: boolean },
): PendingRow {
  const { shadowed, repeat } = before;
  return { row, shadowed, repeat, sends: 0, busySends: 0, raced: false, outcome: undefined };
}

/** What every request of a call shares. */
export interface TableCall {
  readonly client: Client;
  readonly options: WriteOptions;
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal | undefined;
  readonly lesson: TableLesson;
  readonly log: SendLog;
}

/** One call of `writeRows`. */
export interface WriteCall extends TableCall {
  readonly target: WriteTarget;
  readonly operation: Operation;
  /** Until when something that other lives have sent of these rows may take effect; 0: it has had its time. */
  readonly othersUntilMs: number;
  readonly runStartedAt: string | undefined;
  readonly timings: BulkTiming[];
  /** Rows that were refused although an earlier send of them may have taken effect. */
  readonly doubtful: DoubtfulRow[];
}

export interface BulkTiming {
  readonly rows: number;
  /** From the send to the end of the answer. */
  readonly ms: number;
}

export interface DoubtfulRow {
  readonly pending: PendingRow;
  readonly fault: ServiceFault;
}

/** How much of its log a call has used up. */
export const sendsOf = ({ log }: TableCall): { readonly requests: number; readonly throttles: number } => ({
  requests: log.requests,
  throttles: log.throttles.length,
});

/** Counts what has been sent since then for the rows that were in it. */
export function noteSends(call: TableCall, rows: readonly PendingRow[], before: ReturnType<typeof sendsOf>): void {
  const now = sendsOf(call);
  const sends = now.requests - before.requests;
  for (const pending of rows) pending.sends += sends;
  call.log.rowsSent += rows.length * Math.max(0, sends - (now.throttles - before.throttles));
}

export const successKinds = { create: 'created', update: 'updated', upsert: 'upserted', delete: 'deleted' } as const;

export function settleSuccess(call: WriteCall, pending: PendingRow): void {
  call.lesson.meter(call.operation).noteRow('taken');
  pending.outcome = { row: pending.row.row, outcome: successKinds[call.operation] };
}

export function isSuccess(call: WriteCall, pending: PendingRow): boolean {
  return pending.outcome?.outcome === successKinds[call.operation];
}

export function settleRejection(call: WriteCall, pending: PendingRow, fault: ServiceFault): void {
  call.lesson.meter(call.operation).noteRow('refused');
  pending.outcome = { row: pending.row.row, outcome: 'rejected', rejection: rejectionOf(pending, fault) };
}

/** Nobody can tell what became of the row; the last refusal is kept for people. */
export function settleUnknown(pending: PendingRow, fault: ServiceFault): void {
  pending.outcome = { row: pending.row.row, outcome: 'unknown', rejection: rejectionOf(pending, fault) };
}

const rejectionOf = ({ sends }: PendingRow, fault: ServiceFault): Rejection => ({
  class: 'service',
  code: fault.code ?? `http.${fault.httpStatus}`,
  message: fault.message,
  httpStatus: fault.httpStatus,
  ...(fault.serviceRequestId !== undefined && { serviceRequestId: fault.serviceRequestId }),
  attempts: sends,
});

/** A refusal is no answer to an earlier send that may have taken effect: such a row is looked up, unless it is known not to be there. */
export function settleRefusal(call: WriteCall, pending: PendingRow, fault: ServiceFault): void {
  const isNoUpdate = call.operation === 'update' && isMissing(fault);
  if (pending.repeat && !pending.shadowed && !isNoUpdate) call.doubtful.push({ pending, fault });
  else settleRejection(call, pending, fault);
}

/**
 * Settles a row by a refusal that was for this row alone; `again` asks for one more send at once. What a duplicate or an absence
 * means depends on whether an earlier send of the row may have taken effect.
 */
export function settleByFault(call: WriteCall, pending: PendingRow, fault: ServiceFault): 'settled' | 'again' {
  throwIfForAllRows(call, fault);
  const { operation } = call;
  if (operation === 'delete' && isMissing(fault)) {
    settleAbsent(pending);
    return 'settled';
  }
  // Two upserts of one new key may both take the way of the create; the second then finds the row.
  if (operation === 'upsert' && fault.class === 'duplicate' && fault.code !== alternateKeyViolated && !pending.raced) {
    pending.raced = true;
    return 'again';
  }
  settleRefusal(call, pending, fault);
  return 'settled';
}

const alternateKeyViolated = '0x80060892';
const noRowForAlternateKey = '0x80060891';

/** No row with this key is there. */
export function isMissing(fault: ServiceFault): boolean {
  return fault.class === 'absent' || fault.code === noRowForAlternateKey;
}

export function settleAbsent(pending: PendingRow): void {
  const row = pending.row.row;
  const ours = pending.repeat && !pending.shadowed;
  pending.outcome = ours ? { row, outcome: 'deleted', recovered: true } : { row, outcome: 'alreadyAbsent' };
}

/** Faults of the table, the identity or a column are true of every row and end the run. */
export function throwIfForAllRows(call: WriteCall, fault: ServiceFault): void {
  if (fault.class !== 'run' && fault.class !== 'token' && !isUnknownTable(fault, call.target.entitySetName)) return;
  throw new RequestRejectedError(fault.message, factsOfFault(fault));
}

export function markRepeat(rows: readonly PendingRow[]): void {
  for (const pending of rows) pending.repeat = true;
}

const busyPausesMs = [500, 1_000, 2_000];

/** A short pause may end so long behind the deadline: it costs less than to do it all again. */
const longestLatenessMs = 5_000;

/** A pause of seconds between two sends. Where the deadline leaves no time for it, nothing is known of the rows: `TransientError`. */
export async function pauseWithin(
  { client: { clock }, deadlineAtMs, signal }: Pick<TableCall, 'client' | 'deadlineAtMs' | 'signal'>,
  ms: number,
): Promise<void> {
  if (clock.now() + ms > deadlineAtMs + longestLatenessMs)
    throw new TransientError('No time is left to send rows again.', { maybeCommitted: true });
  await clock.sleep(ms, signal);
}

/** Waits before a row that was rolled back for a lock is sent again; undefined when its tries are used up. */
export function busyPauseMs(busySends: number): number | undefined {
  return busyPausesMs[busySends - 1];
}
