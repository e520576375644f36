import { describe, expect, it } from 'vitest';
import { writeRows, type WriteRequest, type WriteTarget } from '../../../src/dataverse/write-rows.ts';
import {
  batchAnswer,
  guid,
  harness,
  isBatch,
  madeRow,
  noOptions,
  operationsOf,
  row,
  rowByKey,
  standardTable,
  type Reply,
  type Script,
} from './support.ts';

const table: WriteTarget = {
  ...standardTable,
  bulk: { CreateMultiple: false, UpdateMultiple: false, UpsertMultiple: false, DeleteMultiple: false },
};
const upsert: WriteRequest = {
  table,
  operation: 'upsert',
  rows: [row(1), row(2), row(3)],
  options: noOptions,
  repeat: false,
  deadlineAtMs: Infinity,
};
const tooLong = { status: 400, code: '0x80044331', message: 'too long' };
const duplicate = { status: 412, code: '0x80040237', message: 'A record with matching key values already exists.' };
/** A refused row that may have been touched is looked up. */
const isThere: Reply = { status: 200, body: '{}' };
const missing = { status: 404, code: '0x80040217' };
const inOrder =
  (...replies: (Reply | Error)[]): Script =>
  (_, index) =>
    replies[index] ?? new Error(`no reply for request ${index + 1}`);

async function write(script: Script, changes: Partial<WriteRequest> = {}) {
  const { client, seen, clock } = harness(script);
  const result = await writeRows(client, { ...upsert, ...changes });
  return { ...result, seen, clock, kinds: result.outcomes.map(({ outcome }) => outcome) };
}

/** Puts a header into the head of the n-th part. */
function withHeader(reply: Reply, part: number, header: string): Reply {
  const pieces = (reply.body ?? '').split('OData-Version: 4.0\r\n');
  pieces[part] = `${header}\r\n${pieces[part] ?? ''}`;
  return { ...reply, body: pieces.join('OData-Version: 4.0\r\n') };
}

describe('one operation', () => {
  it.each([
    ['create', madeRow(1), 'POST', 'fan_cities?tag=t', `{"fan_cityid":"${guid(1)}","name":"row 1"}`, {}],
    [
      'create',
      rowByKey(1, "code='a'"),
      'PATCH',
      "fan_cities(code='a')?tag=t",
      '{"name":"row 1"}',
      { 'if-none-match': '*' },
    ],
    ['update', row(1), 'PATCH', `fan_cities(${guid(1)})?tag=t`, '{"name":"row 1"}', { 'if-match': '*' }],
    ['upsert', row(1), 'PATCH', `fan_cities(${guid(1)})?tag=t`, '{"name":"row 1"}', {}],
    ['delete', row(1, ''), 'DELETE', `fan_cities(${guid(1)})?tag=t`, '', {}],
    ['delete', { ...row(1, ''), etag: 'W/"7"' }, 'DELETE', `fan_cities(${guid(1)})?tag=t`, '', { 'if-match': 'W/"7"' }],
  ] as const)('is a request of its own: %s', async (operation, one, method, path, body, headers) => {
    const options = { ...noOptions, suppressFlows: true, tag: 't' };
    const { seen, kinds } = await write(inOrder({ status: 204 }), { operation, rows: [one], options });
    expect(seen).toEqual([
      expect.objectContaining({
        method,
        path: `/api/data/v9.2/${path}`,
        body,
        headers: expect.objectContaining(headers),
      }),
    ]);
    expect(seen[0]?.headers['mscrm.suppresscallbackregistrationexpanderjob']).toBe('true');
    const names = Object.keys(seen[0]?.headers ?? {}).map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    expect(kinds).toHaveLength(1);
  });

  it('has no success without a body or a word that there is none', async () => {
    const { seen, kinds } = await write(inOrder({ status: 200 }, { status: 204 }), { rows: [row(1)] });
    expect(kinds).toEqual(['upserted']);
    expect(seen).toHaveLength(2);
  });

  it('is sent again when the answer names another row', async () => {
    const headers = (n: number) => ({ 'odata-entityid': `https://x/api/data/v9.2/fan_cities(${guid(n)})` });
    const { seen } = await write(inOrder({ status: 204, headers: headers(2) }, { status: 204, headers: headers(1) }), {
      rows: [row(1)],
    });
    expect(seen).toHaveLength(2);
  });
});

describe('a batch that stops at the first error though it was asked to go on', () => {
  it('settles what is certain, and sends the others as rows that may have been touched', async () => {
    const stopped = { ...batchAnswer([204, tooLong]), status: 400 };
    const rows = [1, 2, 3, 4].map(madeRow);
    const again = batchAnswer([tooLong, duplicate, 204]);
    const { outcomes, seen } = await write(inOrder(stopped, again, batchAnswer([missing, missing])), {
      operation: 'create',
      rows,
    });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['created', 'rejected', 'rejected', 'created']);
    expect(outcomes[1]?.rejection?.code).toBe('0x80044331');
    expect(outcomes[2]?.rejection?.code).toBe('0x80040237');
    expect(seen.map((one) => operationsOf(one).length)).toEqual([4, 3, 2]);
  });

  it('gives the error to no row where it tells of that alone', async () => {
    const bad = guid(3);
    const script: Script = (seen) => {
      const operations = operationsOf(seen);
      const isBad = (operation: string) => operation.includes(bad);
      if (seen.method === 'GET') return { status: 200, body: '{}' };
      if (!isBatch(seen)) return operations.some(isBad) ? batchAnswer([tooLong]) : { status: 204 };
      if (operations.some(isBad)) return { ...batchAnswer([tooLong]), status: 400 };
      return batchAnswer(operations.map(() => 204));
    };
    const rows = [1, 2, 3, 4, 5].map((n) => row(n));
    const { kinds } = await write(script, { rows });
    expect(kinds).toEqual(['upserted', 'upserted', 'rejected', 'upserted', 'upserted']);
  });

  it('takes what it finds then for what it may have done itself', async () => {
    const { outcomes } = await write(
      inOrder(
        { ...batchAnswer([tooLong]), status: 400 },
        batchAnswer([missing]),
        batchAnswer([tooLong]),
        // The refused row is looked up, and is there.
        { status: 200, body: '{}' },
      ),
      { operation: 'delete', rows: [row(1, ''), row(2, '')] },
    );
    expect(outcomes[0]).toEqual({ row: 1, outcome: 'deleted', recovered: true });
    expect(outcomes[1]?.outcome).toBe('rejected');
  });

  it.each([
    ['its status is not that of the last part', { ...batchAnswer([204, tooLong]), status: 412 }],
    ['the error is not the last part', { ...batchAnswer([tooLong, 204]), status: 400 }],
    ['every operation has a part', { ...batchAnswer([tooLong, 204, 204]), status: 400 }],
    ['there are two errors', { ...batchAnswer([tooLong, tooLong, tooLong]), status: 400 }],
  ])('is asked again in halves when %s', async (_, reply) => {
    const { seen, kinds } = await write(inOrder(reply, batchAnswer([204, tooLong]), batchAnswer([204]), isThere));
    expect(kinds).toEqual(['upserted', 'rejected', 'upserted']);
    expect(seen.slice(1).map((one) => operationsOf(one).length)).toEqual([2, 1, 1]);
  });

  it('has as many parts as operations where its status is a success', async () => {
    const { seen, kinds } = await write(inOrder(batchAnswer([204, tooLong]), batchAnswer([204, 204, 204])));
    expect(kinds).toEqual(['upserted', 'upserted', 'upserted']);
    expect(operationsOf(seen[1]!)).toHaveLength(3);
  });
});

describe('waits inside a batch answer', () => {
  const part = { status: 429, code: '0x80072326' };

  it('are one event, however many parts tell of it', async () => {
    const { clock, throttles } = await write(inOrder(batchAnswer([part, part, part]), batchAnswer([204, 204, 204])));
    expect(clock.slept).toEqual([30_000]);
    expect(throttles).toEqual([{ facet: 'concurrency', retryAfterMs: 30_000 }]);
  });

  it('last as long as the longest of them', async () => {
    const first = withHeader(
      withHeader(batchAnswer([part, part, 204]), 1, 'Retry-After: 7'),
      2,
      'Retry-After: 00:00:41',
    );
    const { clock, kinds } = await write(inOrder(first, batchAnswer([204, 204])));
    expect(clock.slept).toEqual([41_000]);
    expect(kinds).toEqual(['upserted', 'upserted', 'upserted']);
  });

  it('hold also for a server that is busy', async () => {
    const busy = { status: 503, json: { error: { code: '0x8004418d', message: 'no worker' } } };
    const first = withHeader(batchAnswer([busy, 204, 204]), 1, 'Retry-After: 9');
    const { clock, throttles } = await write(inOrder(first, batchAnswer([204])));
    expect(clock.slept.reduce((sum, ms) => sum + ms)).toBe(9_000);
    expect(throttles).toEqual([]);
  });

  it('are heard when the parts behind a 429 are not whole, and what may be done is remembered', async () => {
    const whole = batchAnswer([204, part]);
    const cut = {
      ...whole,
      status: 429,
      body: whole.body?.slice(0, -40) ?? '',
      headers: { ...whole.headers, 'retry-after': '12' },
    };
    const { outcomes, clock } = await write(inOrder(cut, batchAnswer([missing, 204, 204])), { operation: 'delete' });
    expect(clock.slept).toEqual([12_000]);
    expect(outcomes[0]).toEqual({ row: 1, outcome: 'deleted', recovered: true });
  });
});

describe('a success in a batch', () => {
  it('is taken for that of no other row, by whichever key it names it', async () => {
    const plain = [rowByKey(2, "code='It''s'"), row(3)];
    const named = (...keys: string[]) =>
      keys.reduce(
        (reply, key, index) =>
          withHeader(reply, index + 1, `OData-EntityId: https://x/api/data/v9.2/fan_cities(${key})`),
        batchAnswer(keys.map(() => 204)),
      );
    const right = ["code='It%27%27s'", guid(3)];
    const wrong = await write(inOrder(named(right[1]!, right[0]!), named(...right)), { rows: plain });
    expect(wrong.seen).toHaveLength(2);
    const fine = await write(inOrder(named("code='it''s'", guid(3).toUpperCase())), { rows: plain });
    expect(fine.seen).toHaveLength(1);
    const unreadable = await write(inOrder(named('%', 'what=ever')), { rows: plain });
    expect(unreadable.seen).toHaveLength(1);
  });
});
