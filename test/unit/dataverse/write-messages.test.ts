import { describe, expect, it } from 'vitest';
import { batchAnswer, guid, noOptions, operationsOf, refuse, row, rowByKey, type Reply } from './support.ts';
import { noContent, tooLong, refusalOf, elastic, names, inOrder, write } from './write-support.ts';

describe('writing with bulk messages', () => {
  it.each([
    [
      'create',
      'CreateMultiple',
      { status: 200, body: JSON.stringify({ Ids: [guid(1), guid(2), guid(3)] }) },
      'created',
    ],
    ['update', 'UpdateMultiple', noContent, 'updated'],
    ['upsert', 'UpsertMultiple', noContent, 'upserted'],
  ] as const)('sends a clean %s as one %s', async (operation, message, reply, kind) => {
    const { kinds, seen, requests, timings } = await write(inOrder(reply), { operation });
    expect(kinds).toEqual([kind, kind, kind]);
    expect(names(seen)).toEqual([message]);
    expect(requests).toBe(1);
    expect(timings).toEqual([{ rows: 3, ms: 0 }]);
  });

  it('takes an empty body for a success only where the status says that there is none', async () => {
    const { kinds, seen } = await write(inOrder({ status: 200, body: '' }, { status: 200, body: '{}' }));
    expect(kinds).toEqual(['upserted', 'upserted', 'upserted']);
    expect(seen).toHaveLength(2);
  });

  it('deletes with a bulk message on elastic tables only', async () => {
    const bulk = await write(inOrder(noContent), { operation: 'delete', table: elastic });
    expect(names(bulk.seen)).toEqual(['DeleteMultiple']);
    expect(bulk.kinds).toEqual(['deleted', 'deleted', 'deleted']);
    const batch = await write(inOrder(batchAnswer([204, 204, 204])), { operation: 'delete' });
    expect(names(batch.seen)).toEqual(['$batch']);
    expect(batch.kinds).toEqual(['deleted', 'deleted', 'deleted']);
  });

  it('updates by alternate key in a batch, because UpdateMultiple takes none', async () => {
    const rows = [rowByKey(1, "code='a'"), rowByKey(2, "code='b'")];
    const { seen } = await write(inOrder(batchAnswer([204, 204])), { operation: 'update', rows });
    expect(operationsOf(seen[0]!)).toEqual([
      "PATCH /api/data/v9.2/fan_cities(code='a')",
      "PATCH /api/data/v9.2/fan_cities(code='b')",
    ]);
    expect(seen[0]?.body.match(/If-Match: \*/g)).toHaveLength(2);
  });

  it.each([
    [false, 'rejected'],
    [true, 'unknown'],
  ])('takes a row whose search is refused, perhaps sent before (%s), for %s', async (repeat, kind) => {
    const rows = [rowByKey(1, "code='a/b'")];
    const { kinds } = await write(inOrder(refusalOf(tooLong)), { rows, repeat });
    expect(kinds).toEqual([kind]);
  });

  it('carries the options of the run on bulk messages, batches and their operations', async () => {
    const options = { ...noOptions, bypassBusinessLogic: ['CustomSync'], tag: 'load 7' } as const;
    const { seen } = await write(inOrder(refusalOf(tooLong), batchAnswer([204, 204, 204])), { options });
    expect(seen[0]?.path).toMatch(/UpsertMultiple\?tag=load%207$/);
    expect(seen.map(({ headers }) => headers['MSCRM.BypassBusinessLogicExecution'])).toEqual([
      'CustomSync',
      'CustomSync',
    ]);
    expect(seen[1]?.body.match(/MSCRM\.BypassBusinessLogicExecution: CustomSync\r\n/g)).toHaveLength(3);
    expect(operationsOf(seen[1]!)[0]).toBe(`PATCH /api/data/v9.2/fan_cities(${guid(1)})?tag=load%207`);
  });

  it('brings the latest recommended parallelism and what sending has cost', async () => {
    const throttle = refuse(429, '0x80072322', 'x', { 'retry-after': '3' });
    const hinted: Reply = { status: 204, headers: { 'x-ms-dop-hint': '9' } };
    const { dopHint, throttles, requests } = await write(inOrder(throttle, hinted));
    expect({ dopHint, throttles, requests }).toEqual({
      dopHint: 9,
      throttles: [{ facet: 'requests', retryAfterMs: 3_000 }],
      requests: 2,
    });
  });

  it('sends rows of one key one after another, so that the last one wins', async () => {
    const rows = [row(1, '"name":"old"'), row(2), { ...row(3, '"name":"new"'), key: row(1).key }];
    const { seen, kinds, outcomes } = await write(inOrder(noContent, noContent), { rows });
    const sent = seen.map(({ body }) =>
      (JSON.parse(body) as { Targets: { name: string }[] }).Targets.map(({ name }) => name),
    );
    expect(sent).toEqual([['old', 'row 2'], ['new']]);
    expect(kinds).toEqual(['upserted', 'upserted', 'upserted']);
    expect(outcomes.map((outcome) => outcome.row)).toEqual([1, 2, 3]);
  });
});
