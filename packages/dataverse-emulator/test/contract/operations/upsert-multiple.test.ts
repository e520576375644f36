/* eslint-disable @typescript-eslint/no-unsafe-return -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { errorOf, type Answer } from '../../support/web-api-client.ts';

const unique = (): string => randomUUID().slice(0, 8);

contract('UpsertMultiple', (api) => {
  const standard = (message: string, rows: Record<string, unknown>[]): Promise<Answer> =>
    api.bulk('suite_cities', 'suite_city', message, rows);
  const read = async (id: string) => (await api.get(`suite_cities(${id})`)).json;

  it('creates and updates by primary key, by alternate key, and creates without key', async () => {
    const [id, code, region] = [randomUUID(), unique(), unique()];
    const rows = (number: number) => [
      { suite_cityid: id, suite_name: 'A', suite_latitude: number },
      { '@odata.id': `suite_cities(suite_code='${code}')`, suite_name: 'B', suite_latitude: number },
      {
        '@odata.id': `suite_cities(suite_region='${region}',suite_number=5)`,
        suite_name: 'C',
        suite_latitude: number,
      },
    ];
    const first = await standard('UpsertMultiple', [...rows(1), { suite_name: 'D' }]);
    const second = await standard('UpsertMultiple', rows(2));
    expect([first.status, first.text, second.status]).toEqual([204, '', 204]);
    expect((await read(id)).suite_latitude).toBe(2);
    expect((await api.get(`suite_cities(suite_code='${code}')`)).json).toMatchObject({
      suite_name: 'B',
      suite_latitude: 2,
    });
    expect((await api.get(`suite_cities(suite_region='${region}',suite_number=5)`)).json.suite_latitude).toBe(2);
  });

  it('refuses the same key twice and takes everything back', async () => {
    const code = unique();
    const row = { '@odata.id': `suite_cities(suite_code='${code}')`, suite_name: 'A' };
    expect((await standard('UpsertMultiple', [row, row])).status).toBe(400);
    expect((await api.get(`suite_cities(suite_code='${code}')`)).status).toBe(404);
  });

  it('fails on the create path, and only there, when a key column stands in the body', async () => {
    const code = unique();
    const row = { '@odata.id': `suite_cities(suite_code='${code}')`, suite_code: code, suite_name: 'A' };
    expect(errorOf(await standard('UpsertMultiple', [row]))).toEqual({ status: 400, code: '0x80040216' });
    await api.post('suite_cities', { suite_name: 'A', suite_code: code });
    expect((await standard('UpsertMultiple', [row])).status).toBe(204);
  });

  it('reads a quoted key with doubled quotes and characters that a URL cannot take', async () => {
    const code = `O'H/${unique()}&?`;
    const answer = await standard('UpsertMultiple', [
      { '@odata.id': `suite_cities(suite_code='${code.replaceAll("'", "''")}')`, suite_name: 'A' },
    ]);
    expect(answer.status).toBe(204);
    const found = await api.get(
      `suite_cities?$filter=suite_code eq '${encodeURIComponent(code.replaceAll("'", "''"))}'`,
    );
    expect(found.json.value).toHaveLength(1);
  });

  it('takes everything back when one item is bad', async () => {
    const code = unique();
    const rows = [
      { '@odata.id': `suite_cities(suite_code='${code}')`, suite_name: 'A' },
      { '@odata.id': `suite_cities(suite_code='${code}2')`, suite_name: 'A', suite_kind: 77 },
    ];
    expect(errorOf(await standard('UpsertMultiple', rows))).toEqual({ status: 400, code: '0x8004431A' });
    expect((await api.get(`suite_cities(suite_code='${code}')`)).status).toBe(404);
  });
});
