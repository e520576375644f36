/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-call, @typescript-eslint/restrict-plus-operands -- bodies of answers have no static type; the assertions check them */
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { errorOf } from '../../support/web-api-client.ts';

contract('addresses', (api) => {
  it('answers 404 for an unknown set and an unknown function, 405 for a method that does not fit', async () => {
    const unknown = await api.get('nothings');
    expect(unknown.status).toBe(404);
    expect(unknown.json.error.message).toBe("Resource not found for the segment 'nothings'.");
    expect(errorOf(await api.get('Nothing()'))).toEqual({ status: 404, code: '' });
    expect((await api.delete('suite_cities')).status).toBe(405);
  });

  it('understands v9.0 and v9.1 and no other version', async () => {
    const url = api.target.url;
    expect((await api.get(`${url}/api/data/v9.0/WhoAmI`)).status).toBe(200);
    expect((await api.get(`${url}/api/data/v9.1/WhoAmI`)).status).toBe(200);
    expect((await api.get(`${url}/api/data/v8.2/WhoAmI`)).status).toBe(400);
  });
});
