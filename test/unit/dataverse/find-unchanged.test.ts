import { describe, expect, it } from 'vitest';
import { findUnchanged } from '../../../src/dataverse/find-unchanged.ts';
import { newSendLog } from '../../../src/dataverse/send-log.ts';
import { batchAnswer, harness, row, standardTable } from './support.ts';

const at = (modifiedon: string) => ({
  status: 200,
  json: { '@odata.etag': 'W/"1"', createdon: '2026-01-01T00:00:00Z', modifiedon },
});
const asCreated = at('2026-01-01T00:00:00Z');
const changed = at('2026-01-02T00:00:00Z');
const gone = { status: 404, code: '0x80040217' };
const hidden = { status: 403, code: '0x80048306', message: 'no ReadAccess' };

async function find(repeat: boolean) {
  const { client } = harness(() => batchAnswer([asCreated, changed, gone, hidden]));
  const rows = [1, 2, 3, 4].map((n) => row(n));
  const request = { table: standardTable, rows, deadlineAtMs: Infinity, log: newSendLog(), repeat };
  return findUnchanged(client, request);
}

describe('the rows of an undo', () => {
  it('are deleted as they were created; changed and unreadable ones are kept, each with its reason', async () => {
    const { unchanged, settled } = await find(false);
    expect(unchanged).toEqual([{ ...row(1), etag: 'W/"1"' }]);
    expect(settled).toMatchObject([
      { row: 2, outcome: 'rejected', rejection: { code: 'undo.changed' } },
      { row: 3, outcome: 'alreadyAbsent' },
      {
        row: 4,
        outcome: 'rejected',
        rejection: { code: 'undo.unreadable', message: expect.stringContaining('no ReadAccess') },
      },
    ]);
  });

  it('may be gone by an earlier send, and nobody knows of those that cannot be read', async () => {
    expect((await find(true)).settled).toMatchObject([
      { row: 2, outcome: 'rejected' },
      { row: 3, outcome: 'deleted', recovered: true },
      { row: 4, outcome: 'unknown', rejection: { code: 'undo.unreadable' } },
    ]);
  });
});
