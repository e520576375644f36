/* eslint-disable @typescript-eslint/no-unsafe-return -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { idOf, type Answer } from '../../support/web-api-client.ts';

contract('UpdateMultiple', (api) => {
  const standard = (message: string, rows: Record<string, unknown>[]): Promise<Answer> =>
    api.bulk('suite_cities', 'suite_city', message, rows);
  const read = async (id: string) => (await api.get(`suite_cities(${id})`)).json;

  it('answers 204 without body and changes the columns sent', async () => {
    const id = idOf(await api.post('suite_cities', { suite_name: 'A', suite_number: 1 }));
    const answer = await standard('UpdateMultiple', [{ suite_cityid: id, suite_number: 2 }]);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await read(id)).toMatchObject({ suite_name: 'A', suite_number: 2 });
  });

  it('applies the first of two items with the same key and drops the other without a word', async () => {
    const id = idOf(await api.post('suite_cities', { suite_name: 'A' }));
    const answer = await standard('UpdateMultiple', [
      { suite_cityid: id, suite_number: 1 },
      { suite_cityid: id, suite_number: 2 },
    ]);
    expect(answer.status).toBe(204);
    expect((await read(id)).suite_number).toBe(1);
  });

  it('takes everything back when a row is missing, and names it', async () => {
    const id = idOf(await api.post('suite_cities', { suite_name: 'A', suite_number: 1 }));
    const missing = randomUUID();
    const answer = await standard('UpdateMultiple', [
      { suite_cityid: id, suite_number: 2 },
      { suite_cityid: missing, suite_number: 2 },
    ]);
    expect(answer.json.error.code).toBe('0x80040217');
    expect(answer.json.error.message).toContain(missing);
    expect((await read(id)).suite_number).toBe(1);
  });

  it('refuses alternate keys', async () => {
    const answer = await standard('UpdateMultiple', [{ '@odata.id': "suite_cities(suite_code='x')", suite_number: 2 }]);
    expect(answer.status).toBe(400);
  });
});
