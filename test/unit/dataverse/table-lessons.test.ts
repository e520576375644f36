import { describe, expect, it } from 'vitest';
import { writeRows } from '../../../src/dataverse/write-rows.ts';
import { batchAnswer, harness, isBatch, operationsOf, refuse, row, standardTable, type Script } from './support.ts';
import { tooLong, refusalOf, upsert, names } from './write-support.ts';

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
