import { describe, expect, it } from 'vitest';
import { writeRows } from '../../../src/dataverse/write-rows.ts';
import { batchAnswer, guid, harness, isBatch, isBulk, operationsOf, refuse } from './support.ts';
import {
  there,
  made,
  duplicate,
  missing,
  tooLong,
  refusalOf,
  elastic,
  upsert,
  names,
  inOrder,
  write,
} from './write-support.ts';

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
