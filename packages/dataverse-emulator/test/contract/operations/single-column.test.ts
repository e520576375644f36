import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { idOf } from '../../support/web-api-client.ts';

contract('a single column', (api) => {
  const city = (members: object = {}) => ({ suite_name: 'A', ...members });
  const newCity = async (members: object = {}): Promise<string> => idOf(await api.post('suite_cities', city(members)));
  it('is set with PUT, read with GET and cleared with DELETE', async () => {
    const id = await newCity();
    expect((await api.send('PUT', `suite_cities(${id})/suite_number`, { value: 12 })).status).toBe(204);
    expect((await api.get(`suite_cities(${id})/suite_number`)).json.value).toBe(12);
    expect((await api.delete(`suite_cities(${id})/suite_number`)).status).toBe(204);
    expect((await api.get(`suite_cities(${id})`)).json.suite_number).toBeNull();
    expect((await api.send('PUT', `suite_cities(${randomUUID()})/suite_number`, { value: 1 })).status).toBe(404);
  });
});
