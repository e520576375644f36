import { randomUUID } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { idOf } from '../../support/web-api-client.ts';

contract('$ref of a collection', (api) => {
  let account = '';
  let city = '';
  beforeEach(async () => {
    account = idOf(await api.post('accounts', { name: 'Parent' }));
    city = idOf(await api.post('suite_cities', { suite_name: 'A' }));
  });
  const cities = (): string => `accounts(${account})/suite_account_cities`;
  const add = () => api.post(`${cities()}/$ref`, { '@odata.id': `${api.root}/suite_cities(${city})` });
  const parentOf = async (): Promise<unknown> => (await api.get(`suite_cities(${city})`)).json._suite_parentid_value;

  it('adds a row with POST', async () => {
    expect((await add()).status).toBe(204);
    expect(await parentOf()).toBe(account);
  });

  it.each([
    ['in the path', () => `${cities()}(${city})/$ref`],
    [
      'as a full address in $id',
      () => `${cities()}/$ref?$id=${encodeURIComponent(`${api.root}/suite_cities(${city})`)}`,
    ],
    ['as a relative address in $id', () => `${cities()}/$ref?$id=suite_cities(${city})`],
  ])('takes a row out with DELETE that names it %s', async (_, path) => {
    await add();
    expect((await api.delete(path())).status).toBe(204);
    expect(await parentOf()).toBeNull();
  });

  it('is refused for a row that is missing, of another table, or not in the collection', async () => {
    const post = (id: string) => api.post(`${cities()}/$ref`, { '@odata.id': `${api.root}/${id}` });
    expect((await post(`suite_cities(${randomUUID()})`)).status).toBe(404);
    expect((await post(`accounts(${account})`)).status).toBe(400);
    expect((await api.delete(`${cities()}(${city})/$ref`)).status).toBe(404);
  });
});
