import type { Operation } from '../plan/outcome.ts';
import { apiRoot } from './api-root.ts';
import { keySegment } from './key-text.ts';
import { UnsettledError } from './errors.ts';
import { lastEffectAfterMs } from './late-effects.ts';
import { isMissing, pauseWithin, settleRejection, settleUnknown, successKinds } from './pending-row.ts';
import type { DoubtfulRow, WriteCall } from './pending-row.ts';
import { readEach } from './read-each.ts';
import { readJsonObject } from './read-json.ts';
import { isSameRow } from './same-row.ts';
import { isSince } from './since.ts';
import type { TableMetadata } from './table.ts';
import type { PartResult } from './send-operations.ts';

/** An elastic table may show a row for a moment as it was before our write, whose session token was lost with its answer. */
const lagPausesMs: Readonly<Record<TableMetadata['tableType'], readonly number[]>> = {
  Standard: [],
  Virtual: [],
  Elastic: [1_000, 2_000, 4_000],
};

/**
 * Looks up rows that were refused although an earlier send may have taken effect: a refusal says nothing of the send before it. Where the row
 * stands as our write would have left it, it is ours. Where it does not, the refusal stands, if it was for the row or if the earlier send can come
 * no longer; else `UnsettledError` tells when that will be so. Not readable: nobody knows.
 */
export async function verifyRefused(call: WriteCall): Promise<void> {
  let left = await look(call, call.doubtful);
  for (const pauseMs of lagPausesMs[call.target.tableType]) {
    const contradicted = left.filter(isContradicted);
    if (contradicted.length === 0) break;
    await pauseWithin(call, pauseMs);
    left = [...left.filter((one) => !isContradicted(one)), ...(await look(call, contradicted))];
  }
  const open = left.filter(mayStillCome);
  const waitMs = untilLastEffectMs(call) - call.client.clock.now();
  if (open.length > 0 && waitMs > 0) throw unsettled(open, waitMs);
  for (const { pending, fault } of left) settleRejection(call, pending, fault);
}

/** When everything that was sent of these rows has had its time. */
function untilLastEffectMs({ othersUntilMs, log: { unheardAtMs } }: WriteCall): number {
  return Math.max(othersUntilMs, unheardAtMs === undefined ? 0 : unheardAtMs + lastEffectAfterMs);
}

function unsettled(open: readonly DoubtfulRow[], waitMs: number): UnsettledError {
  const message = `${open.length} rows were refused, and an earlier send of them may still take effect: ${open[0]?.fault.message ?? ''}`;
  return new UnsettledError(message, { waitMs });
}

/** The refusal says that the row is there, or gone, and a read says otherwise: it may be the read that is late. */
const isContradicted = ({ fault }: DoubtfulRow): boolean => fault.class === 'duplicate' || fault.class === 'absent';

/** A row that is refused for what it is would have been refused before. */
const mayStillCome = ({ fault }: DoubtfulRow): boolean => ['busy', 'tooLarge', 'transient'].includes(fault.class);

/** Settles what a read decides; answers the rows that do not stand as our write would have left them. */
async function look(call: WriteCall, doubtful: readonly DoubtfulRow[]): Promise<readonly DoubtfulRow[]> {
  const left: DoubtfulRow[] = [];
  await readEach(
    call,
    doubtful.map((one) => ({
      path: pathOf(call, one),
      check: (body) => void readJsonObject(body),
      settle: (result) => {
        if (!isSettledByRead(call, one, result)) left.push(one);
      },
    })),
  );
  return left;
}

function pathOf(call: WriteCall, { pending: { row } }: DoubtfulRow): string {
  return `${apiRoot}${keySegment(call.target, row.key)}${selectOf(call, isMade(row.key))}`;
}

function selectOf({ operation, target }: WriteCall, made: boolean): string {
  if (operation === 'update' || operation === 'upsert') return '?$select=modifiedon';
  // To compare, every column is needed; lookups cannot be selected by the names they are written by.
  return operation === 'create' && !made ? '' : `?$select=${target.primaryIdColumn}`;
}

function isMade(key: DoubtfulRow['pending']['row']['key']): boolean {
  return key.kind === 'id' && key.made === true;
}

function isSettledByRead(call: WriteCall, doubtful: DoubtfulRow, result: PartResult): boolean {
  const { pending, fault } = doubtful;
  if (!result.ok && !isMissing(result.fault)) {
    settleUnknown(pending, fault);
    return true;
  }
  const found = result.ok ? readJsonObject(result.body) : undefined;
  if (!isDone[call.operation](call, doubtful, found)) return false;
  pending.outcome = { row: pending.row.row, outcome: successKinds[call.operation], recovered: true };
  return true;
}

type Judge = (call: WriteCall, doubtful: DoubtfulRow, found: Readonly<Record<string, unknown>> | undefined) => boolean;

const isModifiedSince: Judge = (call, _doubtful, found) => isSince(found?.['modifiedon'], beginOf(call));

/** When the run began, by the clock that tells when rows were made and changed. */
function beginOf({ client, runStartedAt }: WriteCall): number | undefined {
  return runStartedAt === undefined ? undefined : client.serverClock.earliest(runStartedAt);
}

/** Whether a row stands as the operation would have left it. */
const isDone: Readonly<Record<Operation, Judge>> = {
  /** An id that we made is nobody else's. One of the source says less: then what we sent must be in the row, and the row not older than the run. */
  create: (call, { pending: { row } }, found) => {
    // A row that an earlier run may have sent may be older than this one.
    const sinceMs = row.maybeSent === true ? undefined : beginOf(call);
    return found !== undefined && (isMade(row.key) || isSameRow(row.members.text(), found, sinceMs));
  },
  update: isModifiedSince,
  upsert: isModifiedSince,
  delete: (_call, _doubtful, found) => found === undefined,
};
