/* eslint-disable @typescript-eslint/no-unsafe-argument -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { errorOf, idOf } from '../../support/web-api-client.ts';

const representation = { prefer: 'return=representation' };

contract('update', (api) => {
  const city = (members: object = {}) => ({ suite_name: 'A', ...members });
  const newCity = async (members: object = {}): Promise<string> => idOf(await api.post('suite_cities', city(members)));
  it('creates the missing row of a PATCH without condition, and tells by 201 or 200 only when asked', async () => {
    const id = randomUUID();
    const created = await api.patch(`suite_cities(${id})`, city(), representation);
    const updated = await api.patch(`suite_cities(${id})`, city({ suite_number: 1 }), representation);
    const silent = await api.patch(`suite_cities(${id})`, city({ suite_number: 2 }));
    expect([created.status, updated.status, silent.status]).toEqual([201, 200, 204]);
    expect(idOf(silent)).toBe(id);
  });

  it('updates only with If-Match: * and answers 404 when the row is missing', async () => {
    const id = await newCity();
    expect((await api.patch(`suite_cities(${id})`, { suite_number: 5 }, { 'if-match': '*' })).status).toBe(204);
    const missing = await api.patch(`suite_cities(${randomUUID()})`, city(), { 'if-match': '*' });
    expect(errorOf(missing)).toEqual({ status: 404, code: '0x80040217' });
    expect(missing.json.error.message).toMatch(/^suite_city With Id = [0-9a-f-]{36} Does Not Exist$/);
  });

  it('compares the row version of If-Match', async () => {
    const id = await newCity();
    const { json } = await api.get(`suite_cities(${id})`);
    const first = await api.patch(`suite_cities(${id})`, { suite_number: 1 }, { 'if-match': json['@odata.etag'] });
    const second = await api.patch(`suite_cities(${id})`, { suite_number: 2 }, { 'if-match': json['@odata.etag'] });
    expect(first.status).toBe(204);
    expect(errorOf(second)).toEqual({ status: 412, code: '0x80060882' });
  });

  it('creates only with If-None-Match: *, and takes If-None-Match: null for nothing', async () => {
    const id = await newCity();
    const refused = await api.patch(`suite_cities(${id})`, city(), { 'if-none-match': '*' });
    expect(errorOf(refused)).toEqual({ status: 412, code: '0x80040237' });
    expect((await api.patch(`suite_cities(${id})`, city(), { 'if-none-match': 'null' })).status).toBe(204);
    expect((await api.patch(`suite_cities(${randomUUID()})`, city(), { 'if-none-match': '*' })).status).toBe(204);
  });

  it('leaves columns that were not sent as they are', async () => {
    const id = await newCity({ suite_number: 3, suite_kind: 2 });
    await api.patch(`suite_cities(${id})`, { suite_number: 4 });
    expect((await api.get(`suite_cities(${id})`)).json).toMatchObject({
      suite_name: 'A',
      suite_number: 4,
      suite_kind: 2,
    });
  });

  it('raises the row version of the environment with every write', async () => {
    const id = await newCity();
    const before = (await api.get(`suite_cities(${id})`)).json;
    await api.patch(`suite_cities(${id})`, { suite_number: 4 });
    const after = (await api.get(`suite_cities(${id})`)).json;
    expect(after.versionnumber).toBeGreaterThan(before.versionnumber);
    expect(after['@odata.etag']).toBe(`W/"${after.versionnumber}"`);
  });

  it('takes PUT for PATCH', async () => {
    const id = randomUUID();
    expect((await api.send('PUT', `suite_cities(${id})`, city({ suite_number: 3 }))).status).toBe(204);
    expect((await api.send('PUT', `suite_cities(${id})`, { suite_kind: 1 })).status).toBe(204);
    expect((await api.get(`suite_cities(${id})`)).json).toMatchObject({ suite_number: 3, suite_kind: 1 });
  });

  it('answers 404 for the version of a row that is missing', async () => {
    const missing = await api.patch(`suite_cities(${randomUUID()})`, city(), { 'if-match': 'W/"1"' });
    expect(errorOf(missing)).toEqual({ status: 404, code: '0x80040217' });
  });
});
