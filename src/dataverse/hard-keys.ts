import { randomUUID } from 'node:crypto';
import type { EncodedRow, RowKey } from '../mapping/encoded-row.ts';
import type { WriteTarget } from './bulk-messages.ts';
import { apiRoot } from './api-root.ts';
import type { ServiceFault } from './error-table.ts';
import { MalformedAnswerError } from './errors.ts';
import { keyParts } from './key-text.ts';
import type { KeyPart } from './key-text.ts';
import {
  newPendingRow,
  settleAbsent,
  settleRejection,
  settleUnknown,
  successKinds,
  throwIfForAllRows,
} from './pending-row.ts';
import type { PendingRow, WriteCall } from './pending-row.ts';
import { readEach } from './read-each.ts';
import { readOneByte } from './one-byte.ts';
import { asObject, readJsonList } from './read-json.ts';
import type { PartResult } from './send-operations.ts';
import { verifyRefused } from './verify-refused.ts';

/**
 * Characters in a key value that no URL by alternate key works with, encoded or not
 * (learn.microsoft.com/power-apps/developer/data-platform/define-alternate-keys-entity), and `#`, of which the same was recorded
 * (github.com/MicrosoftDocs/powerapps-docs/issues/1895).
 */
const forbidden = /[/<>*%&:\\?+#]/;

/** The row cannot be named by its key: it has to be looked for. */
export function hasHardKey(key: RowKey): boolean {
  return key.kind === 'alternate' && forbidden.test(key.predicate);
}

type SettleRows = (call: WriteCall, rows: readonly PendingRow[]) => Promise<void>;

/** A row that comes or goes between the search and the write is looked for again, so many times. */
const searches = 3;

/**
 * Settles rows with hard keys: finds their ids by a filter, then writes by id. Rows that are not there an upsert creates, with a new id
 * and their key columns; the key itself keeps that from happening twice.
 */
export async function settleHardKeys(
  call: WriteCall,
  rows: readonly PendingRow[],
  settleRows: SettleRows,
): Promise<void> {
  let left = rows;
  for (let search = 1; left.length > 0; search += 1) {
    const { found, absent } = await findIds(call, left);
    const isLast = search === searches;
    left = [
      ...(await settleFound(call, found, settleRows, isLast)),
      ...(await settleMissing(call, absent, settleRows, isLast)),
    ];
  }
}

type Found = Map<PendingRow, string>;

async function findIds(call: WriteCall, rows: readonly PendingRow[]): Promise<{ found: Found; absent: PendingRow[] }> {
  const found: Found = new Map();
  const absent: PendingRow[] = [];
  const settle = (pending: PendingRow, result: PartResult) => {
    if (!result.ok) {
      throwIfForAllRows(call, result.fault);
      // That it cannot be looked for says nothing of an earlier send.
      if (pending.repeat && !pending.shadowed) settleUnknown(pending, result.fault);
      else settleRejection(call, pending, result.fault);
      return;
    }
    const ids = idsIn(result.body, call.target.primaryIdColumn);
    const [id] = ids;
    if (id === undefined) absent.push(pending);
    else if (ids.length === 1) found.set(pending, id);
    else settleRejection(call, pending, ambiguous);
  };
  const readings = rows.map((pending) => ({
    path: searchPath(call.target, pending.row, call.target.primaryIdColumn),
    check: (body: string) => void idsIn(body, call.target.primaryIdColumn),
    settle: (result: PartResult) => settle(pending, result),
  }));
  await readEach(call, readings);
  return { found, absent };
}

/** Looks for a row by what its key says. Two are enough to know that there are several. */
export function searchPath(target: WriteTarget, row: EncodedRow, select: string): string {
  const conditions = keyParts(predicateOf(row)).map(({ column, literal }) => `${column} eq ${literal}`);
  const filter = encodeURIComponent(readOneByte(conditions.join(' and ')));
  return `${apiRoot}${target.entitySetName}?$select=${select}&$filter=${filter}&$top=2`;
}

function predicateOf({ key }: EncodedRow): string {
  if (key.kind === 'id') throw new Error('A primary id needs no search.');
  return key.predicate;
}

function idsIn(body: string, primaryIdColumn: string): string[] {
  return readJsonList(body).map((row) => {
    const id = asObject(row)?.[primaryIdColumn];
    if (typeof id !== 'string') throw new MalformedAnswerError('A row was found without its id.');
    return id.toLowerCase();
  });
}

/** An upsert of a row that was found is an update: by its id alone, an upsert would make a row without the key. */
async function settleFound(
  call: WriteCall,
  found: Found,
  settleRows: SettleRows,
  isLast: boolean,
): Promise<PendingRow[]> {
  const operation = call.operation === 'upsert' ? 'update' : call.operation;
  const rows = new Map([...found].map(([pending, id]) => [pending, withKey(pending, { kind: 'id', id })]));
  return settleApart({ ...call, operation }, call, rows, settleRows, isLast);
}

async function settleMissing(
  call: WriteCall,
  absent: readonly PendingRow[],
  settleRows: SettleRows,
  isLast: boolean,
): Promise<PendingRow[]> {
  const creates = new Map<PendingRow, PendingRow>();
  for (const pending of absent) {
    const members = call.operation === 'upsert' || call.operation === 'create' ? keyMembers(pending.row) : undefined;
    if (members !== undefined)
      creates.set(pending, withKey(pending, { kind: 'id', id: randomUUID(), made: true }, members));
    else if (call.operation === 'delete') settleAbsent(pending);
    else settleRejection(call, pending, call.operation === 'update' ? notThere : cannotBeCreated);
  }
  return settleApart({ ...call, operation: 'create' }, call, creates, settleRows, isLast);
}

function withKey(pending: PendingRow, key: RowKey, keyColumns = ''): PendingRow {
  return newPendingRow({ ...pending.row, key, members: pending.row.members.behind(keyColumns) }, pending);
}

/** Settles stand-ins under another operation and takes over what became of them. Returns the rows that have to be looked for again. */
async function settleApart(
  apart: WriteCall,
  call: WriteCall,
  rows: ReadonlyMap<PendingRow, PendingRow>,
  settleRows: SettleRows,
  isLast: boolean,
): Promise<PendingRow[]> {
  const within: WriteCall = { ...apart, doubtful: [] };
  await settleRows(within, [...rows.values()]);
  if (within.doubtful.length > 0) await verifyRefused(within);
  const again: PendingRow[] = [];
  for (const [pending, standIn] of rows) {
    const { outcome } = standIn;
    pending.sends += standIn.sends;
    if (outcome === undefined) throw new Error('A row was left without an outcome.');
    const hasMoved = apart.operation !== call.operation && isMoved(outcome.rejection?.code);
    if (hasMoved && !isLast) again.push(pending);
    else if (outcome.outcome === 'created' || outcome.outcome === 'updated')
      pending.outcome = { ...outcome, outcome: successKinds[call.operation] };
    else pending.outcome = outcome;
  }
  return again;
}

/** Somebody made or removed the row since it was looked for. */
function isMoved(code: string | undefined): boolean {
  return code === '0x80060892' || code === '0x80040237' || code === '0x80040217' || code === 'http.404';
}

/** The key columns as JSON members; undefined where a part is a lookup, which is written by a name that the key does not tell. */
function keyMembers(row: EncodedRow): string | undefined {
  const members = keyParts(predicateOf(row)).map(memberOf);
  return members.includes(undefined) ? undefined : members.join(',');
}

function memberOf({ column, literal, text }: KeyPart): string | undefined {
  if (column.startsWith('_')) return undefined;
  const isNumber = text === undefined && /^-?\d+(\.\d+)?$/.test(literal);
  return `${JSON.stringify(column)}:${isNumber ? literal : JSON.stringify(text ?? literal)}`;
}

const characters = 'The key holds characters that no URL takes (/ < > * % & : \\ ? + #)';
const ambiguous: ServiceFault = {
  class: 'row',
  httpStatus: 400,
  code: '0x8006089d',
  message: `${characters}, and several rows match it.`,
};
const notThere: ServiceFault = {
  class: 'absent',
  httpStatus: 404,
  code: '0x80060891',
  message: 'No row has this key.',
};
const cannotBeCreated: ServiceFault = {
  class: 'row',
  httpStatus: 400,
  code: 'key.characters',
  message: `${characters}, no row has it, and one part is a lookup, so that the row cannot be created without it either.`,
};
