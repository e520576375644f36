import { writeRows, type WriteRequest, type WriteTarget } from '../../../src/dataverse/write-rows.ts';
import {
  guid,
  harness,
  madeRow,
  noOptions,
  refuse,
  row,
  standardTable,
  type Reply,
  type Script,
  type Seen,
} from './support.ts';

export const noContent: Reply = { status: 204 };
export const there = { status: 200, json: { fan_cityid: guid(1) } };
export const made = [1, 2, 3].map(madeRow);
export const reset = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
export const duplicate = {
  status: 412,
  code: '0x80040237',
  message: 'A record with matching key values already exists.',
};
export const missing = { status: 404, code: '0x80040217', message: 'fan_city With Id = x Does Not Exist' };
export const tooLong = { status: 400, code: '0x80044331', message: 'too long' };
export const refusalOf = ({ status, code, message }: typeof tooLong) => refuse(status, code, message);
export const noBulk: WriteTarget = {
  ...standardTable,
  bulk: { CreateMultiple: false, UpdateMultiple: false, UpsertMultiple: false, DeleteMultiple: false },
};
export const elastic: WriteTarget = {
  ...standardTable,
  tableType: 'Elastic',
  bulk: { CreateMultiple: true, UpdateMultiple: true, UpsertMultiple: true, DeleteMultiple: true },
};

export const upsert: WriteRequest = {
  table: standardTable,
  operation: 'upsert',
  rows: [row(1), row(2), row(3)],
  options: noOptions,
  repeat: false,
  deadlineAtMs: Infinity,
};

export const isRead = (operation: string) => operation.startsWith('GET');
export const names = (seen: readonly Seen[]) =>
  seen.map(({ path }) => path.split('/').at(-1)?.replace('Microsoft.Dynamics.CRM.', ''));
/** Gives the replies in order; running out of them fails the test. */
export const inOrder =
  (...replies: (Reply | Error)[]): Script =>
  (_, index) =>
    replies[index] ?? new Error(`no reply for request ${index + 1}`);

export async function write(script: Script, changes: Partial<WriteRequest> = {}) {
  const { client, seen, clock } = harness(script);
  const result = await writeRows(client, { ...upsert, ...changes });
  return { ...result, seen, clock, kinds: result.outcomes.map(({ outcome }) => outcome) };
}
