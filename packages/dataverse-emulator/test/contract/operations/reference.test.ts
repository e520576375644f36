import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { idOf } from '../../support/web-api-client.ts';

contract('$ref of a lookup', (api) => {
  it('sets it with PUT and clears it with DELETE', async () => {
    const account = idOf(await api.post('accounts', { name: 'Parent' }));
    const id = idOf(await api.post('suite_cities', { suite_name: 'A' }));
    const parentOf = async (): Promise<unknown> => (await api.get(`suite_cities(${id})`)).json._suite_parentid_value;
    const reference = { '@odata.id': `${api.root}/accounts(${account})` };
    expect((await api.send('PUT', `suite_cities(${id})/suite_ParentId/$ref`, reference)).status).toBe(204);
    expect(await parentOf()).toBe(account);
    expect((await api.delete(`suite_cities(${id})/suite_ParentId/$ref`)).status).toBe(204);
    expect(await parentOf()).toBeNull();
  });

  it('answers 404 for a row that is missing at either end', async () => {
    const id = idOf(await api.post('suite_cities', { suite_name: 'A' }));
    const missing = { '@odata.id': `${api.root}/accounts(${randomUUID()})` };
    expect((await api.send('PUT', `suite_cities(${id})/suite_ParentId/$ref`, missing)).status).toBe(404);
    expect((await api.delete(`suite_cities(${randomUUID()})/suite_ParentId/$ref`)).status).toBe(404);
  });
});
