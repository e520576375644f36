import { afterEach, describe, expect, it } from 'vitest';
import type { Emulator, EmulatorOptions } from '../../../src/index.ts';
import { clientOf, startSuiteEmulator } from '../../support/start.ts';
import { errorOf, type WebApiClient } from '../../support/web-api-client.ts';

describe('service protection over HTTP', () => {
  let emulator: Emulator | undefined;
  afterEach(() => emulator?.close());
  const start = async (options: EmulatorOptions): Promise<WebApiClient> => {
    emulator = await startSuiteEmulator(options);
    return clientOf(emulator);
  };

  it('answers 429 with Retry-After and the documented body above the request limit', async () => {
    const api = await start({ settings: { limits: { requests: 2 } } });
    await api.get('WhoAmI');
    await api.get('WhoAmI');
    const refused = await api.get('WhoAmI');
    expect(errorOf(refused)).toEqual({ status: 429, code: '0x80072322' });
    expect(refused.json.error.message).toBe(
      'Number of requests exceeded the limit of 2 over time window of 300 seconds.',
    );
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(290);
    expect(refused.headers.get('x-ms-ratelimit-burst-remaining-xrm-requests')).toBe('0');
    expect(refused.headers.get('x-ms-dop-hint')).toBe('8');
  });

  it('refuses requests beyond the concurrency limit while others run, and lets those finish', async () => {
    const api = await start({ settings: { limits: { concurrency: 3 }, latency: { overheadMs: { read: 200 } } } });
    await api.target.getToken();
    const answers = await Promise.all(Array.from({ length: 5 }, () => api.get('WhoAmI')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429]);
    expect(errorOf(answers.find(({ status }) => status === 429)!).code).toBe('0x80072326');
    expect(emulator!.counters().peakRunning).toBe(3);
  });

  it('charges the work of a bulk message as execution time and refuses the next arrival', async () => {
    const api = await start({ settings: { limits: { executionTimeMs: 40 }, latency: { overheadMs: { bulk: 50 } } } });
    const rows = [{ suite_name: 'A' }];
    expect((await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', rows)).status).toBe(200);
    const refused = await api.get('WhoAmI');
    expect(errorOf(refused)).toEqual({ status: 429, code: '0x80072321' });
    expect(refused.json.error.message).toContain('exceeded limit of 40 milliseconds');
    expect(refused.headers.get('x-ms-ratelimit-time-remaining-xrm-requests')).toBe('0.00');
  });

  it('counts a batch as one request', async () => {
    const api = await start({});
    const part = ['--b', 'Content-Type: application/http', '', 'GET /api/data/v9.2/WhoAmI HTTP/1.1', '', ''];
    const body = [...part, ...part, ...part, '--b--', ''].join('\r\n');
    expect((await api.post('$batch', body, { 'content-type': 'multipart/mixed; boundary=b' })).status).toBe(200);
    expect(Object.values(emulator!.counters().users).map(({ requests }) => requests)).toEqual([1]);
  });

  it.each([
    ['missing', null],
    ['zero', '0'],
  ] as const)('can answer 429 with Retry-After %s', async (model, expected) => {
    const api = await start({ settings: { limits: { requests: 0, retryAfter: { model } } } });
    const answer = await api.get('WhoAmI');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, expected]);
  });

  it('does not spend limits on requests without a valid user', async () => {
    await start({ settings: { limits: { requests: 0 } } });
    expect((await fetch(`${emulator!.url}/api/data/v9.2/WhoAmI`)).status).toBe(401);
    expect(emulator!.counters().users).toEqual({});
  });
});
