import type { Operation } from '../plan/outcome.ts';
import { apiRoot } from './client.ts';
import { keySegment } from './key-text.ts';
import { isMissing, settleRejection, settleUnknown, successKinds } from './pending-row.ts';
import type { DoubtfulRow, WriteCall } from './pending-row.ts';
import { readEach } from './read-each.ts';
import { readJsonObject } from './read-json.ts';
import { isSameRow } from './same-row.ts';
import { isSince } from './since.ts';
import type { PartResult } from './write-by-batch.ts';

/**
 * Looks up rows that were refused although an earlier send may have taken effect: a refusal says nothing of the send before it. Where the row
 * stands as our write would have left it, it is ours. Where it does not, the refusal stands. Not readable: nobody knows.
 */
export async function verifyRefused(call: WriteCall): Promise<void> {
  await readEach(
    call,
    call.doubtful.map((doubtful) => ({
      path: pathOf(call, doubtful),
      check: (body) => void readJsonObject(body),
      settle: (result) => settleByRead(call, doubtful, result),
    })),
  );
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

function settleByRead(call: WriteCall, doubtful: DoubtfulRow, result: PartResult): void {
  const { pending, fault } = doubtful;
  if (!result.ok && !isMissing(result.fault)) {
    settleUnknown(call, pending, fault);
  } else if (isDone[call.operation](call, doubtful, result.ok ? readJsonObject(result.body) : undefined)) {
    call.outcomes.set(pending, { row: pending.row.row, outcome: successKinds[call.operation], recovered: true });
  } else {
    settleRejection(call, pending, fault);
  }
}

type Judge = (call: WriteCall, doubtful: DoubtfulRow, found: Readonly<Record<string, unknown>> | undefined) => boolean;

const isModifiedSince: Judge = ({ runStartedAt }, _doubtful, found) => isSince(found?.['modifiedon'], runStartedAt);

/** Whether a row stands as the operation would have left it. */
const isDone: Readonly<Record<Operation, Judge>> = {
  /** An id that we made is nobody else's. One of the source says less: then what we sent must be in the row, and the row not older than the run. */
  create: ({ runStartedAt }, { pending: { row } }, found) =>
    found !== undefined && (isMade(row.key) || isSameRow(row.members, found, runStartedAt)),
  update: isModifiedSince,
  upsert: isModifiedSince,
  delete: (_call, _doubtful, found) => found === undefined,
};
