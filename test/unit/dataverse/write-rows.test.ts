import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newSendLog } from '../../../src/dataverse/send-log.ts';
import { writeRows, type WriteRequest, type WriteTarget } from '../../../src/dataverse/write-rows.ts';
import type { Operation } from '../../../src/plan/outcome.ts';
import {
  batchAnswer,
  guid,
  harness,
  isBatch,
  isBulk,
  madeRow,
  noOptions,
  operationsOf,
  refuse,
  row,
  rowByKey,
  standardTable,
  type Reply,
  type Script,
  type Seen,
} from './support.ts';

const noContent: Reply = { status: 204 };
const there = { status: 200, json: { fan_cityid: guid(1) } };
const made = [1, 2, 3].map(madeRow);
const reset = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const duplicate = { status: 412, code: '0x80040237', message: 'A record with matching key values already exists.' };
const missing = { status: 404, code: '0x80040217', message: 'fan_city With Id = x Does Not Exist' };
const tooLong = { status: 400, code: '0x80044331', message: 'too long' };
const refusalOf = ({ status, code, message }: typeof tooLong) => refuse(status, code, message);
const noBulk: WriteTarget = {
  ...standardTable,
  bulk: { CreateMultiple: false, UpdateMultiple: false, UpsertMultiple: false, DeleteMultiple: false },
};
const elastic: WriteTarget = {
  ...standardTable,
  tableType: 'Elastic',
  bulk: { CreateMultiple: true, UpdateMultiple: true, UpsertMultiple: true, DeleteMultiple: true },
};

const upsert: WriteRequest = {
  table: standardTable,
  operation: 'upsert',
  rows: [row(1), row(2), row(3)],
  options: noOptions,
  repeat: false,
  deadlineAtMs: Infinity,
};

const isRead = (operation: string) => operation.startsWith('GET');
const names = (seen: readonly Seen[]) =>
  seen.map(({ path }) => path.split('/').at(-1)?.replace('Microsoft.Dynamics.CRM.', ''));
/** Gives the replies in order; running out of them fails the test. */
const inOrder =
  (...replies: (Reply | Error)[]): Script =>
  (_, index) =>
    replies[index] ?? new Error(`no reply for request ${index + 1}`);

async function write(script: Script, changes: Partial<WriteRequest> = {}) {
  const { client, seen, clock } = harness(script);
  const result = await writeRows(client, { ...upsert, ...changes });
  return { ...result, seen, clock, kinds: result.outcomes.map(({ outcome }) => outcome) };
}

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

describe('finding the rows that make a bulk message fail', () => {
  it('rejects exactly those, each with its own code, and writes the others', async () => {
    const { outcomes, seen, requests } = await write(
      inOrder(refusalOf(tooLong), batchAnswer([204, tooLong, 204], { 'x-ms-service-request-id': 'request-2' })),
    );
    expect(names(seen)).toEqual(['UpsertMultiple', '$batch']);
    expect(seen[1]?.headers['prefer']).toBe('odata.continue-on-error');
    expect(outcomes).toEqual([
      { row: 1, outcome: 'upserted' },
      {
        row: 2,
        outcome: 'rejected',
        rejection: {
          class: 'service',
          code: '0x80044331',
          message: 'too long',
          httpStatus: 400,
          serviceRequestId: 'request-2',
          attempts: 2,
        },
      },
      { row: 3, outcome: 'upserted' },
    ]);
    expect(requests).toBe(2);
  });

  it('takes the refusal of a message with one row for the refusal of that row', async () => {
    const { outcomes, seen } = await write(inOrder(refusalOf(tooLong)), { rows: [row(1)] });
    expect(outcomes[0]).toMatchObject({ outcome: 'rejected', rejection: { code: '0x80044331', attempts: 1 } });
    expect(seen).toHaveLength(1);
  });

  it('repeats a deadlock three times before it turns to the rows', async () => {
    const deadlock = refuse(400, '0x80044150', 'Generic SQL error. Sql Number: 1205');
    const won = await write(inOrder(deadlock, deadlock, deadlock, noContent));
    expect(won.clock.slept).toEqual([500, 1_000, 2_000]);
    expect(won.kinds).toEqual(['upserted', 'upserted', 'upserted']);
    const part = { status: 400, code: '0x80044150', message: 'Generic SQL error. Sql Number: 1205' };
    const lost = await write((seen) => {
      if (isBulk(seen)) return deadlock;
      return batchAnswer(operationsOf(seen).map((operation) => (operation.includes(guid(2)) ? part : 204)));
    });
    expect(lost.kinds).toEqual(['upserted', 'rejected', 'upserted']);
    const alone = `PATCH /api/data/v9.2/fan_cities(${guid(2)})`;
    const operations = lost.seen.filter((seen) => !isBulk(seen)).map(operationsOf);
    expect(operations).toEqual([expect.objectContaining({ length: 3 }), [alone], [alone], [alone]]);
  });

  it('halves what takes the database too long, down to the row that alone does', async () => {
    const script: Script = (one) => {
      if (one.method === 'GET') return { status: 200, body: '{}' };
      const rows = (JSON.parse(one.body) as { Targets: { fan_cityid: string }[] }).Targets;
      const slow = rows.some(({ fan_cityid }) => fan_cityid === guid(3));
      return slow ? refuse(500, '0x80044151', 'SQL timeout expired. Sql Number: -2') : noContent;
    };
    const { kinds, seen } = await write(script, { rows: [row(1), row(2), row(3), row(4)] });
    expect(kinds).toEqual(['upserted', 'upserted', 'rejected', 'upserted']);
    expect(
      names(seen)
        .slice(0, -1)
        .every((name) => name === 'UpsertMultiple'),
    ).toBe(true);
    expect(seen.at(-1)?.method).toBe('GET');
  });

  it('halves what is too large to be taken', async () => {
    const script: Script = ({ body }) => (body.length > 300 ? { status: 413 } : noContent);
    const { kinds } = await write(script, { rows: [1, 2, 3, 4, 5].map((n) => row(n)) });
    expect(kinds).toEqual(Array.from({ length: 5 }, () => 'upserted'));
  });

  it('falls back to batches where the table has no such message after all', async () => {
    const { kinds, seen } = await write(inOrder(refuse(400, '0x80044180', 'not supported'), batchAnswer([204])), {
      rows: [row(1)],
    });
    expect(kinds).toEqual(['upserted']);
    expect(names(seen)).toEqual(['UpsertMultiple', `fan_cities(${guid(1)})`]);
  });

  it('finds the row behind an error that stays unexplained', async () => {
    const unexpected = { status: 500, code: '0x80040abc', message: 'odd' };
    const { outcomes } = await write((seen) => {
      if (isBulk(seen)) return refusalOf(unexpected);
      return batchAnswer(
        operationsOf(seen).map((one) => (isRead(one) ? there : one.includes(guid(2)) ? unexpected : 204)),
      );
    });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['upserted', 'rejected', 'upserted']);
    expect(outcomes[1]?.rejection).toMatchObject({ code: '0x80040abc', httpStatus: 500 });
  });

  it('ends the run for a fault that every row has', async () => {
    const privilege = refuse(403, '0x80040220', 'Principal user is missing prvCreatefan_City privilege');
    await expect(write(inOrder(privilege))).rejects.toMatchObject({
      kind: 'requestRejected',
      serviceErrorCode: '0x80040220',
    });
    const gone = { status: 404, code: '0x80060888', message: "Resource not found for the segment 'fan_cities'." };
    await expect(write(inOrder(refusalOf(gone), batchAnswer([gone, gone, gone])))).rejects.toMatchObject({
      kind: 'requestRejected',
    });
  });

  it('takes a key that breaks the URL for a fault of its row', async () => {
    const odd = { status: 404, code: '0x80060888', message: "Resource not found for the segment 'b'." };
    const { kinds } = await write(inOrder(refusalOf(odd), batchAnswer([204, odd, 204])));
    expect(kinds).toEqual(['upserted', 'rejected', 'upserted']);
  });

  it('repeats an upsert that lost a race, once and at once', async () => {
    const { kinds, clock, seen } = await write(
      inOrder(refusalOf(duplicate), batchAnswer([204, duplicate, 204]), batchAnswer([204])),
    );
    expect(kinds).toEqual(['upserted', 'upserted', 'upserted']);
    expect(clock.slept).toEqual([]);
    expect(operationsOf(seen[2]!)).toEqual([`PATCH /api/data/v9.2/fan_cities(${guid(2)})`]);
    const lost = await write(
      inOrder(refusalOf(duplicate), batchAnswer([204, duplicate, 204]), batchAnswer([duplicate])),
    );
    expect(lost.kinds).toEqual(['upserted', 'rejected', 'upserted']);
  });
});

describe('batches', () => {
  const table = noBulk;

  it('hold at most 1,000 operations', async () => {
    const rows = Array.from({ length: 2_001 }, (_, index) => row(index + 1));
    const script: Script = (seen) => batchAnswer(operationsOf(seen).map(() => 204));
    const { seen, kinds } = await write(script, { table, rows });
    expect(seen.map((one) => operationsOf(one).length)).toEqual([1_000, 1_000, 1]);
    expect(new Set(kinds)).toEqual(new Set(['upserted']));
  });

  it('are sent again when their answer is not whole', async () => {
    const cut = batchAnswer([204, 204, 204]);
    const { kinds, seen } = await write(
      inOrder({ ...cut, body: cut.body?.slice(0, -20) ?? '' }, batchAnswer([204, 204]), batchAnswer([204, 204, 204])),
      { table },
    );
    expect(kinds).toEqual(['upserted', 'upserted', 'upserted']);
    expect(seen).toHaveLength(3);
  });

  it('are sent again when a part names another row', async () => {
    const named = (...ids: number[]): Reply => {
      const answer = batchAnswer(ids.map(() => 204));
      const body = ids.reduce(
        (text, id) => text.replace('OData-Version: 4.0\r\n', `OData-EntityId: https://x/fan_cities(${guid(id)})\r\n`),
        answer.body ?? '',
      );
      return { ...answer, body };
    };
    const { kinds, seen } = await write(inOrder(named(2, 1, 3), named(1, 2, 3)), { table });
    expect(kinds).toEqual(['upserted', 'upserted', 'upserted']);
    expect(seen).toHaveLength(2);
  });

  it('are read whatever their outer status is', async () => {
    const { kinds, seen } = await write(inOrder({ ...batchAnswer([204, 204, tooLong]), status: 400 }), { table });
    expect(kinds).toEqual(['upserted', 'upserted', 'rejected']);
    expect(seen).toHaveLength(1);
  });

  it('send throttled operations again when the wait is over', async () => {
    const part = { status: 429, code: '0x80072321' };
    const first = batchAnswer([204, part, part], { 'retry-after': '11' });
    const { kinds, clock, throttles, seen } = await write(inOrder(first, batchAnswer([204, 204])), { table });
    expect(kinds).toEqual(['upserted', 'upserted', 'upserted']);
    expect(clock.slept).toEqual([11_000]);
    expect(throttles[0]).toEqual({ facet: 'executionTime', retryAfterMs: 11_000 });
    expect(operationsOf(seen[1]!)).toHaveLength(2);
  });

  it('wait for a throttle that stopped them, and do not send again what was done before it', async () => {
    const stopped = { ...batchAnswer([204, { status: 429, code: '0x80072322' }]), status: 429 };
    const { kinds, clock, seen, throttles } = await write(inOrder(stopped, batchAnswer([204, missing])), {
      operation: 'delete',
    });
    expect(kinds).toEqual(['deleted', 'deleted', 'deleted']);
    expect(operationsOf(seen[1]!)).toHaveLength(2);
    expect(clock.slept).toEqual([30_000]);
    expect(throttles).toEqual([{ facet: 'requests', retryAfterMs: 30_000 }]);
  });

  it('end the run for a missing privilege only when no row got through', async () => {
    const denied = {
      status: 403,
      code: '0x80040220',
      message: 'Principal user is missing prvDeletefan_City privilege',
    };
    await expect(write(inOrder(batchAnswer([denied, denied, denied])), { operation: 'delete' })).rejects.toMatchObject({
      kind: 'requestRejected',
    });
    const { kinds } = await write(inOrder(batchAnswer([204, denied, 204])), { operation: 'delete' });
    expect(kinds).toEqual(['deleted', 'rejected', 'deleted']);
  });

  it('reject no row for staying refused as a whole', async () => {
    const deadlock = refuse(400, '0x80044150', 'Sql Number: 1205');
    await expect(write(() => deadlock, { table })).rejects.toMatchObject({ kind: 'transient', maybeCommitted: false });
    const { kinds } = await write(inOrder(deadlock, deadlock, deadlock, batchAnswer([204, 204, 204])), { table });
    expect(kinds).toEqual(['upserted', 'upserted', 'upserted']);
  });

  it('take a gateway that does not know them for no statement about a row', async () => {
    const page = () => ({ status: 404, body: '<html>Not found</html>' });
    for (const rows of [[row(1)], [row(1), row(2)]]) {
      await expect(write(page, { operation: 'delete', rows })).rejects.toMatchObject({ kind: 'transient' });
    }
  });

  it('are split when they are refused as a whole', async () => {
    const script: Script = (seen) => {
      const operations = operationsOf(seen);
      return operations.length > 1 && operations.some((operation) => operation.includes(guid(2)))
        ? refuse(400, '0x80048d19', 'Stream was not readable.')
        : batchAnswer(operations.map((operation) => (operation.includes(guid(2)) ? tooLong : 204)));
    };
    expect((await write(script, { table })).kinds).toEqual(['upserted', 'rejected', 'upserted']);
  });
});

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
});

describe('elastic tables', () => {
  const details = (items: unknown) => ({
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      error: {
        code: '0x80040216',
        message: 'x',
        '@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails': JSON.stringify(items),
      },
    }),
  });

  it('sends only the rows again that the error lists', async () => {
    const failed = details([{ RequestIndex: 1, Id: guid(2), StatusCode: 400 }]);
    const { kinds, seen, clock } = await write((one) => (isBulk(one) ? failed : batchAnswer([tooLong])), {
      table: elastic,
    });
    expect(kinds).toEqual(['upserted', 'rejected', 'upserted']);
    expect(names(seen)).toEqual(['UpsertMultiple', `fan_cities(${guid(2)})`]);
    expect(clock.slept).toEqual([]);
    expect(seen[0]?.headers['prefer']).toBe('odata.include-annotations="*"');
    expect(operationsOf(seen.at(-1)!)).toEqual([`PATCH /api/data/v9.2/fan_cities(${guid(2)})`]);
  });

  it.each([
    ['429 without a code', { status: 429, code: '' }],
    ['503', { status: 503, code: '' }],
    ['an undecided 500', { status: 500, code: '0x80094000' }],
  ])('settles what the list tells also when the whole answer is %s', async (_, { status, code }) => {
    const body = details([{ RequestIndex: 1, Id: guid(2), StatusCode: 429 }]).body.replace('0x80040216', code);
    const { outcomes, seen, throttles } = await write((one) => (isBulk(one) ? { status, body } : batchAnswer([204])), {
      table: elastic,
      operation: 'create',
      rows: made,
    });
    expect(outcomes).toEqual([1, 2, 3].map((n) => ({ row: n, outcome: 'created' })));
    expect(seen).toHaveLength(2);
    expect(throttles).toEqual([]);
  });

  it('remembers that rows may be written when a limit of the service comes with a list', async () => {
    const body = details([{ RequestIndex: 1, Id: guid(2), StatusCode: 429 }]).body.replace('0x80040216', '0x80072321');
    const { outcomes } = await write(
      inOrder(
        { status: 429, body },
        refusalOf(duplicate),
        batchAnswer([duplicate, 204, duplicate]),
        batchAnswer([there, there]),
      ),
      { table: elastic, operation: 'create', rows: made },
    );
    expect(outcomes.map(({ outcome, recovered }) => [outcome, recovered])).toEqual([
      ['created', true],
      ['created', undefined],
      ['created', true],
    ]);
  });

  it('is learnt to have no such message, like any other table', async () => {
    const unsupported = refuse(400, '0x80044180', 'not supported');
    const { client, seen } = harness((one) =>
      isBulk(one) ? unsupported : batchAnswer(operationsOf(one).map(() => 204)),
    );
    for (let n = 0; n < 2; n += 1) await writeRows(client, { ...upsert, table: elastic });
    expect(names(seen)).toEqual(['UpsertMultiple', '$batch', '$batch']);
  });

  it('believes no list that names rows it did not send', async () => {
    const failed = details([{ RequestIndex: 7, Id: guid(8), StatusCode: 400 }]);
    const { seen } = await write((one) => (isBatch(one) ? batchAnswer([204, 204, 204]) : failed), { table: elastic });
    expect(operationsOf(seen.at(-1)!)).toHaveLength(3);
  });

  it('takes rows for deleted that it may have deleted before the message was repeated', async () => {
    const script = inOrder(refuse(400, '0x80071154'), refusalOf(missing), batchAnswer([missing, missing, missing]));
    const { outcomes } = await write(script, { table: elastic, operation: 'delete' });
    expect(outcomes).toEqual([1, 2, 3].map((n) => ({ row: n, outcome: 'deleted', recovered: true })));
  });

  it('pauses when a partition is over its share, and asks nobody else to wait', async () => {
    const failed = details([{ RequestIndex: 0, Id: guid(1), StatusCode: 429 }]);
    const { kinds, clock, throttles } = await write((one) => (isBulk(one) ? failed : batchAnswer([204])), {
      table: elastic,
    });
    expect({ kinds, slept: clock.slept, throttles }).toEqual({
      kinds: ['upserted', 'upserted', 'upserted'],
      slept: [500],
      throttles: [],
    });
  });

  it('shows the token of its latest write to the reads that verify', async () => {
    const token = '240:8#144035050#7=-1';
    const failed = { ...details([{ RequestIndex: 0, Id: guid(1), StatusCode: 500 }]) };
    const { seen, outcomes } = await write(
      inOrder(
        { ...failed, headers: { ...failed.headers, 'x-ms-session-token': 'not of a success' } },
        batchAnswer([duplicate], { 'x-ms-session-token': token }),
        batchAnswer([there]),
      ),
      { table: elastic, operation: 'create', rows: made },
    );
    expect(outcomes[0]).toEqual({ row: 1, outcome: 'created', recovered: true });
    expect(seen.at(-1)?.headers['mscrm.sessiontoken']).toBe(token);
  });

  it('looks up creates that an error without a list may have written', async () => {
    const { outcomes } = await write(
      inOrder(refuse(400, '0x80040265', 'plug-in'), batchAnswer([duplicate, 204, 204]), batchAnswer([there])),
      { table: elastic, operation: 'create', rows: made },
    );
    expect(outcomes[0]).toEqual({ row: 1, outcome: 'created', recovered: true });
  });
});

describe('what is learnt about a table', () => {
  const unsupported = refuse(400, '0x80044180', 'not supported');
  const pass: Script = (seen) => batchAnswer(operationsOf(seen).map(() => 204));

  it('is that it refuses a message, once rows got through without it', async () => {
    const { client, seen } = harness((one, index) => (isBatch(one) ? pass(one, index) : unsupported));
    for (let n = 0; n < 3; n += 1) await writeRows(client, upsert);
    expect(names(seen)).toEqual(['UpsertMultiple', '$batch', '$batch', '$batch']);
    await writeRows(client, { ...upsert, table: { ...standardTable, logicalName: 'fan_other' } });
    expect(names(seen).at(-2)).toBe('UpsertMultiple');
  });

  it.each([
    ['', "No HTTP resource was found that matches the request URI 'https://x'."],
    ['0x8006088a', "Resource not found for the segment 'Microsoft.Dynamics.CRM.UpsertMultiple'."],
  ])('is that it does not know a message (code %j)', async (code, message) => {
    const { client, seen } = harness((one, index) => (isBatch(one) ? pass(one, index) : refuse(404, code, message)));
    for (let n = 0; n < 2; n += 1) await writeRows(client, upsert);
    expect(names(seen)).toEqual(['UpsertMultiple', '$batch', '$batch']);
  });

  it('is not that, when the rows are refused as well', async () => {
    const refusedPart = { status: 400, code: '0x80044180' };
    const { client, seen } = harness((one) =>
      isBatch(one) ? batchAnswer(operationsOf(one).map(() => refusedPart)) : unsupported,
    );
    for (let n = 0; n < 2; n += 1) await writeRows(client, upsert);
    expect(names(seen)).toEqual(['UpsertMultiple', '$batch', 'UpsertMultiple', '$batch']);
  });

  it('is that most rows are bad, so that batches are cheaper than messages', async () => {
    const bad: Script = (seen) =>
      isBatch(seen) ? batchAnswer(operationsOf(seen).map(() => tooLong)) : refusalOf(tooLong);
    const { client, seen } = harness(bad);
    const rows = Array.from({ length: 20 }, (_, index) => row(index + 1));
    for (let n = 0; n < 10; n += 1) await writeRows(client, { ...upsert, rows });
    expect(names(seen)[0]).toBe('UpsertMultiple');
    expect(names(seen).slice(-5)).toEqual(Array(5).fill('$batch'));
  });
});

describe('halves', () => {
  it('find one bad row among many without sending each row by itself, and send no half twice', async () => {
    const bodies: number[] = [];
    const script: Script = (seen) => {
      if (!isBulk(seen)) return batchAnswer(operationsOf(seen).map((one) => (one.includes(guid(300)) ? tooLong : 204)));
      bodies.push((JSON.parse(seen.body) as { Targets: unknown[] }).Targets.length);
      return seen.body.includes(guid(300)) ? refusalOf(tooLong) : noContent;
    };
    const rows = Array.from({ length: 400 }, (_, index) => row(index + 1));
    const { outcomes, seen } = await write(script, { rows });
    expect(outcomes.filter(({ outcome }) => outcome === 'rejected').map((one) => one.row)).toEqual([300]);
    // 400 fail; the first 200 pass, so the bad row is in the others, of which the first half is sent.
    expect(bodies.slice(0, 3)).toEqual([400, 200, 100]);
    expect(seen.length).toBeLessThanOrEqual(10);
  });
});

describe('a service with any mix of bad rows and faults', () => {
  const operations: readonly Operation[] = ['update', 'upsert'];

  it('has exactly its bad rows rejected', async () => {
    const mixed = fc.record({
      bad: fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 8 }),
      faults: fc.array(fc.constantFrom('none', 'reset', 'page', 'deadlock', 'throttle', 'large'), { maxLength: 4 }),
      bulk: fc.boolean(),
      operation: fc.constantFrom(...operations),
    });
    await fc.assert(
      fc.asyncProperty(mixed, async ({ bad, faults, bulk, operation }) => {
        const isBad = (text: string) => bad.some((n) => text.includes(guid(n)));
        const faultReplies: Record<string, Reply | Error | undefined> = {
          reset: reset(),
          page: { status: 502, body: '<html></html>' },
          deadlock: refuse(400, '0x80044150', 'Sql Number: 1205'),
          throttle: refuse(429, '0x80072326', 'x', { 'retry-after': '2' }),
          large: { status: 413 },
        };
        const script: Script = (seen, index) => {
          const fault = faultReplies[faults[index] ?? 'none'];
          // Only what is worth halving is refused for its size.
          if (fault !== undefined && !(faults[index] === 'large' && seen.body.length < 1_000)) return fault;
          if (isBulk(seen)) return isBad(seen.body) ? refusalOf(tooLong) : noContent;
          return batchAnswer(operationsOf(seen).map((one) => (isRead(one) ? there : isBad(one) ? tooLong : 204)));
        };
        const rows = Array.from({ length: 30 }, (_, index) => row(index + 1));
        const { outcomes } = await write(script, { rows, operation, table: bulk ? standardTable : noBulk });
        const rejected = outcomes.filter(({ outcome }) => outcome === 'rejected').map((one) => one.row);
        expect(rejected).toEqual([...bad].sort((a, b) => a - b));
        expect(outcomes.map((one) => one.row)).toEqual(rows.map((one) => one.row));
      }),
      { numRuns: 150 },
    );
  });
});
