import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { errorOf, idOf } from '../../support/web-api-client.ts';

contract('delete', (api) => {
  const city = (members: object = {}) => ({ suite_name: 'A', ...members });
  const newCity = async (members: object = {}): Promise<string> => idOf(await api.post('suite_cities', city(members)));
  it('answers 204, then 404', async () => {
    const id = await newCity();
    expect((await api.delete(`suite_cities(${id})`)).status).toBe(204);
    expect(errorOf(await api.delete(`suite_cities(${id})`))).toEqual({ status: 404, code: '0x80040217' });
  });

  it('compares the row version of If-Match', async () => {
    const id = await newCity();
    const etag = (await api.get(`suite_cities(${id})`)).json['@odata.etag'];
    expect((await api.delete(`suite_cities(${id})`, { 'if-match': 'W/"1"' })).status).toBe(412);
    expect((await api.delete(`suite_cities(${id})`, { 'if-match': etag })).status).toBe(204);
  });
});
