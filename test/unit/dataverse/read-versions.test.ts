import { describe, expect, it } from 'vitest';
import { newSendLog } from '../../../src/dataverse/send-log.ts';
import { readVersions } from '../../../src/dataverse/read-versions.ts';
import type { EncodedRow } from '../../../src/mapping/encoded-row.ts';
import { batchAnswer, guid, harness, operationsOf, row, rowByKey, standardTable, type Reply } from './support.ts';

const found = (etag: string) => ({
  status: 200,
  json: { '@odata.etag': etag, createdon: '2026-01-01T00:00:00Z', modifiedon: '2026-01-02T00:00:00Z' },
});
const version = (etag: string | undefined) => ({
  kind: 'found',
  etag,
  createdOn: '2026-01-01T00:00:00Z',
  modifiedOn: '2026-01-02T00:00:00Z',
});

async function read(replies: readonly Reply[], rows: readonly EncodedRow[]) {
  const { client, seen, clock } = harness((_, index) => replies[index] ?? new Error(`no reply ${index + 1}`));
  const log = newSendLog();
  const versions = await readVersions(client, { table: standardTable, rows, deadlineAtMs: Infinity, log });
  return { versions, seen, clock, log };
}

describe('readVersions', () => {
  it('brings a version for each row, in their order', async () => {
    const hidden = { status: 403, code: '0x80048306', message: 'no ReadAccess' };
    const { versions, seen } = await read(
      [batchAnswer([found('W/"1"'), { status: 404, code: '0x80040217' }, hidden])],
      [row(1), rowByKey(2, "code='x'"), row(3)],
    );
    expect(versions).toEqual([version('W/"1"'), { kind: 'absent' }, { kind: 'unreadable', reason: 'no ReadAccess' }]);
    expect(operationsOf(seen[0]!)).toEqual([
      `GET /api/data/v9.2/fan_cities(${guid(1)})?$select=createdon,modifiedon`,
      "GET /api/data/v9.2/fan_cities(code='x')?$select=createdon,modifiedon",
      `GET /api/data/v9.2/fan_cities(${guid(3)})?$select=createdon,modifiedon`,
    ]);
  });

  it('waits for a throttle inside the answer and reads again what it left out', async () => {
    const throttle = { status: 429, code: '0x80072322' };
    const { versions, seen, clock, log } = await read(
      [batchAnswer([found('W/"1"'), throttle], { 'retry-after': '17' }), batchAnswer([found('W/"2"')])],
      [row(1), row(2)],
    );
    expect(versions).toEqual([version('W/"1"'), version('W/"2"')]);
    expect(clock.slept).toEqual([17_000]);
    expect(operationsOf(seen[1]!)).toHaveLength(1);
    expect(log.throttles).toEqual([{ facet: 'requests', retryAfterMs: 17_000 }]);
  });

  it('reads again when a row came in half', async () => {
    const whole = batchAnswer([found('W/"1"'), found('W/"2"')]);
    const half = { ...whole, body: whole.body?.replace('"modifiedon":"2026-01-02T00:00:00Z"}', '"modi') ?? '' };
    const { versions } = await read([half, whole], [row(1), row(2)]);
    expect(versions).toEqual([version('W/"1"'), version('W/"2"')]);
  });

  it('looks for rows whose key no URL takes', async () => {
    const list = (...value: unknown[]) => ({ status: 200, json: { value } });
    const { versions, seen } = await read(
      [batchAnswer([list(found('W/"1"').json), list(), list({}, {})])],
      ['a/b', 'c/d', 'e/f'].map((code, at) => rowByKey(at + 1, `code='${code}'`)),
    );
    expect(versions).toEqual([
      version('W/"1"'),
      { kind: 'absent' },
      { kind: 'unreadable', reason: 'several rows match its key' },
    ]);
    expect(operationsOf(seen[0]!)[0]).toBe(
      "GET /api/data/v9.2/fan_cities?$select=createdon,modifiedon&$filter=code%20eq%20'a%2Fb'&$top=2",
    );
  });

  it('takes no version into a header that would break its line', async () => {
    const { versions } = await read([batchAnswer([found('W/"1"\r\nX: y')])], [row(1)]);
    expect(versions).toEqual([version(undefined)]);
  });
});
