import type { Operation } from '../plan/outcome.ts';
import { apiRoot } from './client.ts';
import { keySegment } from './key-text.ts';
import { isMissing, settleRejection, settleUnknown, successKinds } from './pending-row.ts';
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

/** The service gives up a request after two minutes; what has not happened by then will not. */
const settleMs = 150_000;
const lookMs = 60_000;

/**
 * Looks up rows that were refused although an earlier send may have taken effect: a refusal says nothing of the send before it. Where the row
 * stands as our write would have left it, it is ours. Where it does not, the refusal stands, at once or, if it was for the hour and not for the
 * row, once the earlier send can come no longer. Not readable: nobody knows.
 */
export async function verifyRefused(call: WriteCall): Promise<void> {
  const { clock } = call.client;
  let left = await look(call, call.doubtful);
  for (const pauseMs of lagPausesMs[call.target.tableType]) {
    const contradicted = left.filter(isContradicted);
    if (contradicted.length === 0) break;
    await clock.sleep(pauseMs, call.signal);
    left = [...left.filter((one) => !isContradicted(one)), ...(await look(call, contradicted))];
  }
  const open = call.repeat || call.log.unheard > 0 ? left.filter(mayStillCome) : [];
  if (open.length > 0) {
    await clock.sleep(settleMs, call.signal);
    const later = { ...call, deadlineAtMs: clock.now() + lookMs };
    left = [...left.filter((one) => !open.includes(one)), ...(await look(later, open))];
  }
  for (const { pending, fault } of left) settleRejection(call, pending, fault);
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

const isModifiedSince: Judge = ({ runStartedAt }, _doubtful, found) => isSince(found?.['modifiedon'], runStartedAt);

/** Whether a row stands as the operation would have left it. */
const isDone: Readonly<Record<Operation, Judge>> = {
  /** An id that we made is nobody else's. One of the source says less: then what we sent must be in the row, and the row not older than the run. */
  create: ({ runStartedAt }, { pending: { row } }, found) =>
    found !== undefined && (isMade(row.key) || isSameRow(row.members.text(), found, runStartedAt)),
  update: isModifiedSince,
  upsert: isModifiedSince,
  delete: (_call, _doubtful, found) => found === undefined,
};
