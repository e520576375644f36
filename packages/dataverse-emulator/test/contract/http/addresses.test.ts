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
    const unknown = await api.get(`${url}/api/data/v8.2/WhoAmI`);
    expect(errorOf(unknown)).toEqual({ status: 400, code: '0x80060888' });
  });

  it('refuses URLs above 32,768 characters', async () => {
    expect((await api.get(`WhoAmI?x=${'y'.repeat(32_000)}`)).status).toBe(200);
    expect((await api.get(`WhoAmI?x=${'y'.repeat(33_000)}`)).status).toBe(414);
  });

  it('takes $batch with POST only', async () => {
    expect((await api.get('$batch')).status).toBe(405);
  });

  it('ignores headers it does not know, and If-None-Match: null', async () => {
    const answer = await api.get('WhoAmI', { 'x-unheard-of': '1', 'if-none-match': 'null' });
    expect(answer.status).toBe(200);
  });
});
