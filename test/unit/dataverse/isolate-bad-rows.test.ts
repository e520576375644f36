import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../src/plan/outcome.ts';
import {
  batchAnswer,
  guid,
  isBulk,
  operationsOf,
  refuse,
  row,
  standardTable,
  type Reply,
  type Script,
} from './support.ts';
import {
  noContent,
  there,
  reset,
  duplicate,
  tooLong,
  refusalOf,
  noBulk,
  isRead,
  names,
  inOrder,
  write,
} from './write-support.ts';

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
