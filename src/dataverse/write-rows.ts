import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { Operation, RowOutcome } from '../plan/outcome.ts';
import type { WriteTarget } from './bulk-messages.ts';
import { newSendLog } from './send-log.ts';
import type { Client } from './client.ts';
import type { SendLog, ThrottleEvent } from './send-log.ts';
import { hasHardKey, settleHardKeys } from './hard-keys.ts';
import type { WriteOptions } from './headers.ts';
import { chooseSending } from './isolation.ts';
import { separateEqualKeys } from './key-text.ts';
import { newPendingRow } from './pending-row.ts';
import type { BulkTiming, PendingRow, WriteCall } from './pending-row.ts';
import type { BulkMessage, TableMetadata } from './table.ts';
import { verifyRefused } from './verify-refused.ts';
import { settleByBatch } from './write-by-batch.ts';
import { settleByMessage } from './write-by-message.ts';

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
  /** Until when what others have sent of them may take effect, on the client's clock; absent: it has had its time. */
  readonly othersUntilMs?: number;
  /** When the run began (ISO 8601): a row that is older was not created by it. */
  readonly runStartedAt?: string;
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
 * Writes rows and finds out what became of each. Uses the bulk message of the operation where the table has one and few rows are bad, else
 * batches that go on behind an error; rows that make a bulk message fail are found by such a batch or by halves, whichever has cost less.
 *
 * Throws `RequestRejectedError` when no row of the run can be accepted, `ThrottledError` when the identity has to wait beyond the
 * deadline, `UnsettledError` when rows were refused whose earlier sends may still take effect, `TransientError` when no decision could be had,
 * or the signal's reason. Then no outcome of this call is known: the rows have to be sent again with `repeat: true`.
 */
export async function writeRows(client: Client, request: WriteRequest): Promise<WriteResult> {
  const call: WriteCall = {
    client,
    target: request.table,
    operation: request.operation,
    options: request.options,
    deadlineAtMs: request.deadlineAtMs,
    signal: request.signal,
    othersUntilMs: request.othersUntilMs ?? 0,
    runStartedAt: request.runStartedAt,
    lesson: client.tables.of(request.table.logicalName),
    log: request.log ?? newSendLog(),
    timings: [],
    doubtful: [],
  };
  const pendings = request.rows.map((row) =>
    newPendingRow(row, { shadowed: false, repeat: request.repeat || row.maybeSent === true }),
  );
  for (const [layer, rows] of separateEqualKeys(pendings).entries()) {
    if (layer > 0) for (const pending of rows) pending.shadowed = true;
    const hard = rows.filter(({ row }) => hasHardKey(row.key));
    await settleRows(call, hard.length === 0 ? rows : rows.filter((pending) => !hard.includes(pending)));
    if (hard.length > 0) await settleHardKeys(call, hard, settleRows);
  }
  if (call.doubtful.length > 0) await verifyRefused(call);
  return {
    outcomes: pendings.map(outcomeOf),
    requests: call.log.requests,
    throttles: call.log.throttles,
    timings: call.timings,
    ...(call.log.dopHint !== undefined && { dopHint: call.log.dopHint }),
  };
}

function outcomeOf({ outcome }: PendingRow): RowOutcome {
  if (outcome === undefined) throw new Error('A row was left without an outcome.');
  return outcome;
}

async function settleRows(call: WriteCall, rows: readonly PendingRow[]): Promise<void> {
  if (rows.length === 0) return;
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
  if (!call.target.bulk[message] || call.lesson.refused.has(message)) return undefined;
  // A bulk message has no place for the version that a row must have.
  if (rows.some(({ row }) => row.etag !== undefined)) return undefined;
  const takesKeys = message === 'UpsertMultiple' || rows.every(({ row }) => row.key.kind === 'id');
  if (!takesKeys) return undefined;
  // Only where one bad row rolls all back is the message ever dearer than the batch.
  if (call.target.tableType === 'Elastic' || rows.length === 1) return message;
  return chooseSending(rows.length, call.lesson.meter(call.operation).costs()) === 'message' ? message : undefined;
}
