import { describe, expect, it } from 'vitest';
import { batchAnswer, guid, operationsOf, refuse, row, type Reply, type Script } from './support.ts';
import { missing, tooLong, noBulk, inOrder, write } from './write-support.ts';

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
