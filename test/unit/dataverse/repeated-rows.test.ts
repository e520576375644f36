import { describe, expect, it } from 'vitest';
import { writeRows } from '../../../src/dataverse/write-rows.ts';
import { newSendLog } from '../../../src/dataverse/send-log.ts';
import { batchAnswer, guid, harness, madeRow, operationsOf, refuse, row, rowByKey } from './support.ts';
import { duplicate, elastic, inOrder, made, missing, refusalOf, reset, there, upsert, write } from './write-support.ts';

describe('what a repeat means', () => {
  const created = { status: 200, body: JSON.stringify({ Ids: [guid(1), guid(2), guid(3)] }) };

  it('takes a duplicate on a first send for a rejection', async () => {
    const { kinds, seen } = await write(inOrder(refusalOf(duplicate), batchAnswer([201, duplicate, 204])), {
      operation: 'create',
    });
    expect(kinds).toEqual(['created', 'rejected', 'created']);
    expect(seen).toHaveLength(2);
  });

  it.each([
    ['the caller says that rows may have been sent', true, [] as Error[]],
    ['an earlier attempt of this call was lost', false, [reset()]],
  ])('looks up duplicates of own ids when %s', async (_, repeat, lost) => {
    const { outcomes, seen } = await write(
      inOrder(...lost, refusalOf(duplicate), batchAnswer([duplicate, duplicate, 204]), batchAnswer([there, missing])),
      { operation: 'create', repeat, rows: made },
    );
    expect(outcomes).toMatchObject([
      { outcome: 'created', recovered: true },
      { outcome: 'rejected', rejection: { code: '0x80040237' } },
      { outcome: 'created' },
    ]);
    expect(outcomes[2]).not.toHaveProperty('recovered');
    expect(operationsOf(seen.at(-1)!)).toEqual([
      `GET /api/data/v9.2/fan_cities(${guid(1)})?$select=fan_cityid`,
      `GET /api/data/v9.2/fan_cities(${guid(2)})?$select=fan_cityid`,
    ]);
  });

  it('reads an elastic table again where it shows nothing of the row that is said to be there', async () => {
    const id = { status: 200, body: JSON.stringify({ fan_cityid: guid(1) }) };
    const { outcomes, clock } = await write(
      inOrder(refusalOf(duplicate), refusalOf(duplicate), refusalOf(missing), refusalOf(missing), id),
      { operation: 'create', table: elastic, repeat: true, rows: [madeRow(1)] },
    );
    expect(outcomes).toEqual([{ row: 1, outcome: 'created', recovered: true }]);
    expect(clock.slept).toEqual([1_000, 2_000]);
  });

  it('calls a row unknown only when it cannot be read', async () => {
    const hidden = { status: 403, code: '0x80040220' };
    const { kinds } = await write(inOrder(refusalOf(duplicate), batchAnswer([hidden])), {
      operation: 'create',
      repeat: true,
      rows: [madeRow(1)],
    });
    expect(kinds).toEqual(['unknown']);
  });

  it('reads again when a read meets a lock or a throttle, and decides nothing when that goes on', async () => {
    const lock = refuse(400, '0x80044150', 'Sql Number: 1205');
    const busy = { status: 429, code: '0x80072322' };
    const reads = [lock, batchAnswer([there, busy, there]), batchAnswer([there])];
    const first = [refusalOf(duplicate), batchAnswer([duplicate, duplicate, duplicate])];
    const { outcomes } = await write(inOrder(...first, ...reads), { operation: 'create', repeat: true, rows: made });
    expect(outcomes).toEqual([1, 2, 3].map((n) => ({ row: n, outcome: 'created', recovered: true })));
    await expect(
      write(inOrder(...first, lock, lock, lock, lock), { operation: 'create', repeat: true }),
    ).rejects.toMatchObject({ kind: 'transient' });
  });

  it('does not take the row of an equal key in the same call for its own', async () => {
    const rows = [row(1), { ...row(2), key: row(1).key }];
    const { kinds } = await write(
      inOrder({ status: 200, body: JSON.stringify({ Ids: [guid(1)] }) }, refusalOf(duplicate)),
      {
        operation: 'create',
        repeat: true,
        rows,
      },
    );
    expect(kinds).toEqual(['created', 'rejected']);
  });

  it('takes an absent row for deleted on a repeat and for absent on a first send', async () => {
    const answer = batchAnswer([204, missing, { status: 404, code: '0x80060891' }]);
    expect((await write(inOrder(answer), { operation: 'delete' })).outcomes).toEqual([
      { row: 1, outcome: 'deleted' },
      { row: 2, outcome: 'alreadyAbsent' },
      { row: 3, outcome: 'alreadyAbsent' },
    ]);
    for (const [script, repeat] of [[inOrder(answer), true] as const, [inOrder(reset(), answer), false] as const]) {
      expect((await write(script, { operation: 'delete', repeat })).outcomes).toEqual([
        { row: 1, outcome: 'deleted' },
        { row: 2, outcome: 'deleted', recovered: true },
        { row: 3, outcome: 'deleted', recovered: true },
      ]);
    }
  });

  it('rejects the update of a row that is not there, repeat or not', async () => {
    const { kinds } = await write(inOrder(refusalOf(missing)), { operation: 'update', rows: [row(1)], repeat: true });
    expect(kinds).toEqual(['rejected']);
  });

  it('gives no outcome at all when no decision can be had', async () => {
    await expect(write(() => reset(), { operation: 'create' })).rejects.toMatchObject({
      kind: 'transient',
      maybeCommitted: true,
    });
    const log = newSendLog();
    const throttle = refuse(429, '0x80072322', 'x', { 'retry-after': '400' });
    await expect(
      write(inOrder(created, throttle), { operation: 'create', deadlineAtMs: 1_000_000, log }),
    ).resolves.toBeDefined();
    await expect(write(inOrder(throttle), { deadlineAtMs: 1_000_000, log })).rejects.toMatchObject({
      retryAfterMs: 400_000,
    });
    expect(log).toMatchObject({ requests: 2, throttles: [{ facet: 'requests', retryAfterMs: 400_000 }] });
  });

  it('says so where a row whose key no URL takes was learned by a read', async () => {
    const found = { status: 200, body: JSON.stringify({ value: [{ fan_cityid: guid(1) }] }) };
    const stands = { status: 200, body: JSON.stringify({ modifiedon: '2026-01-01T00:00:00Z' }) };
    const { outcomes } = await write(
      inOrder(found, reset(), refuse(500, '0x80044151', 'SQL timeout expired. Sql Number: -2'), stands),
      { rows: [rowByKey(1, "code='a/b'")], runStartedAt: '2026-01-01T00:00:00Z' },
    );
    expect(outcomes).toEqual([{ row: 1, outcome: 'upserted', recovered: true }]);
  });

  it('waits for no earlier send itself, also where rows are looked for by their keys: it says how long that takes', async () => {
    const found = { status: 200, body: JSON.stringify({ value: [{ fan_cityid: guid(1) }] }) };
    const old = { status: 200, body: JSON.stringify({ modifiedon: '2025-01-01T00:00:00Z' }) };
    const timeout = refuse(500, '0x80044151', 'SQL timeout expired. Sql Number: -2');
    for (const rows of [[row(1)], [rowByKey(1, "code='a/b'")]]) {
      const hard = rows[0]?.key.kind === 'alternate' ? [found] : [];
      const { client, clock } = harness(inOrder(...hard, reset(), timeout, old));
      const request = { ...upsert, rows, runStartedAt: '2026-01-01T00:00:00Z' };
      await expect(writeRows(client, request)).rejects.toMatchObject({ kind: 'unsettled', waitMs: 149_000 });
      expect(clock.slept).toEqual([1_000]);
    }
  });

  it('makes no pause that would end long behind the deadline', async () => {
    const deadlock = refuse(400, '0x80044150', 'Sql Number: 1205');
    const { client, clock, seen } = harness(() => deadlock);
    const deadlineAtMs = clock.now() - 4_000;
    await expect(writeRows(client, { ...upsert, deadlineAtMs })).rejects.toMatchObject({ kind: 'transient' });
    expect([clock.slept, seen.length]).toEqual([[500], 2]);
  });
});
