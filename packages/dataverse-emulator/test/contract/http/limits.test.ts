import { afterEach, expect, it } from 'vitest';
import { profiles, type Emulator, type EmulatorOptions } from '../../../src/index.ts';
import { emulatorContract, emulatorOnly } from '../../support/contract.ts';
import { clientOf, startSuiteEmulator, tokenFor } from '../../support/start.ts';
import { errorOf, WebApiClient } from '../../support/web-api-client.ts';

emulatorOnly('service protection over HTTP', () => {
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
    emulator!.changeSettings({ limits: { retryAfter: { earlyGraceMs: 0 } } });
    const answer = await api.get('WhoAmI');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, expected]);
    // Nobody was asked to wait, so nobody comes too early.
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await api.get('WhoAmI')).status).toBe(429);
    expect(emulator!.counters().earlyRetries).toBe(0);
  });

  it('checks token, user and limits in this order, and all of them before the address', async () => {
    const api = await start({ settings: { limits: { requests: 0 } } });
    expect((await fetch(`${api.root}/nothings`)).status).toBe(401);
    expect((await clientOf(emulator!, 'stranger').get('nothings')).status).toBe(403);
    expect((await api.get('nothings')).status).toBe(429);
    emulator!.changeSettings({ limits: { requests: null } });
    expect((await api.get('nothings')).status).toBe(404);
  });

  it('are looked at before the rights to impersonate and to bypass logic', async () => {
    const [user] = profiles.get('fast')!.users;
    const users = [{ ...user!, mayImpersonate: false, mayBypassLogic: false }];
    const api = await start({ settings: { users, limits: { requests: 1 } } });
    const bypass = { 'mscrm.bypassbusinesslogicexecution': 'CustomSync' };
    expect((await api.get('WhoAmI', bypass)).status).toBe(403);
    expect((await api.get('WhoAmI', bypass)).status).toBe(429);
  });

  it('does not spend limits on requests without a valid user', async () => {
    await start({ settings: { limits: { requests: 0 } } });
    expect((await fetch(`${emulator!.url}/api/data/v9.2/WhoAmI`)).status).toBe(401);
    expect(emulator!.counters().users).toEqual({});
  });
});

const batchOf = (...paths: string[]): string =>
  [
    ...paths.flatMap((path) => ['--b', 'Content-Type: application/http', '', `GET /api/data/v9.2/${path} HTTP/1.1`, '', '']),
    '--b--',
    '',
  ].join('\r\n'); // prettier-ignore
const statuses = (text: string): number[] => [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map((match) => Number(match[1]));

emulatorContract('limits by the settings', {}, ({ api, emulator }) => {
  const batch = (headers: Record<string, string> = {}) =>
    api.post('$batch', batchOf('WhoAmI', 'WhoAmI', 'WhoAmI'), {
      'content-type': 'multipart/mixed; boundary=b',
      ...headers,
    });
  const costly = { batchOperation: 30, batch: 0 };

  it('are not looked at inside a batch', async () => {
    emulator().changeSettings({ latency: { overheadMs: costly }, limits: { executionTimeMs: 50 } });
    expect(statuses((await batch()).text)).toEqual([200, 200, 200]);
  });

  it('can be looked at before each operation of a batch, which is then refused in the older shape', async () => {
    emulator().changeSettings({
      limitBatchParts: true,
      latency: { overheadMs: costly },
      limits: { executionTimeMs: 50, windowMs: 299_000 },
    });
    const answer = await batch();
    expect([answer.status, ...statuses(answer.text)]).toEqual([429, 200, 200, 429]);
    expect(answer.text).toContain('HTTP/1.1 429 Unknown Status Code');
    expect(answer.text).toMatch(/Retry-After: \d+/);
    expect(answer.text).toContain('"ErrorCode":-2147015903');
  });

  it.each([
    [['requests', 'concurrency'], '0x80072322'],
    [['concurrency', 'requests'], '0x80072326'],
    [['requests'], '0x80072322'],
  ] as const)('are looked at in the order %j', async (order, code) => {
    emulator().changeSettings({ limits: { order, requests: 0, concurrency: 0 } });
    expect(errorOf(await api.get('WhoAmI'))).toEqual({ status: 429, code });
  });

  it('can be switched off one by one', async () => {
    emulator().changeSettings({ limits: { requests: null, executionTimeMs: null, concurrency: null } });
    expect((await api.get('WhoAmI')).status).toBe(200);
  });

  it('have a lower gauge for writes, which leaves reads alone', async () => {
    emulator().changeSettings({ limits: { writeConcurrency: 1 }, latency: { overheadMs: { single: 100 } } });
    const writes = ['A', 'B', 'C'].map((name) => api.post('accounts', { name }));
    const answers = await Promise.all([...writes, api.get('WhoAmI')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 204, 429, 429]);
  });

  it('count metadata and reads like everything else', async () => {
    emulator().changeSettings({ limits: { requests: 3, windowMs: 298_000 } });
    const paths = ['EntityDefinitions', 'accounts', 'WhoAmI', 'RetrieveVersion'];
    const codes: number[] = [];
    for (const path of paths) codes.push((await api.get(path)).status);
    expect(codes).toEqual([200, 200, 200, 429]);
  });

  it('do not count refused requests unless told to', async () => {
    const remaining = async (): Promise<string | null> =>
      (await api.get('WhoAmI')).headers.get('x-ms-ratelimit-burst-remaining-xrm-requests');
    emulator().changeSettings({ limits: { requests: 10, concurrency: 0, windowMs: 297_000 } });
    expect([await remaining(), await remaining()]).toEqual(['10', '10']);
    emulator().changeSettings({ limits: { countRefused: true } });
    expect([await remaining(), await remaining()]).toEqual(['9', '8']);
  });

  it('are the own of each user', async () => {
    emulator().changeSettings({ limits: { requests: 1, windowMs: 296_000 } });
    const second = emulator().settings().users[1]?.clientId ?? '';
    const token = await tokenFor(emulator(), second);
    const other = new WebApiClient({ url: emulator().url, getToken: () => Promise.resolve(token) });
    expect([(await api.get('WhoAmI')).status, (await api.get('WhoAmI')).status]).toEqual([200, 429]);
    expect((await other.get('WhoAmI')).status).toBe(200);
  });

  it('make Retry-After grow for those who come too early, and count them', async () => {
    const retryAfter = { earlyGraceMs: 0, growth: 2, concurrencySeconds: 10 };
    emulator().changeSettings({ limits: { concurrency: 0, windowMs: 295_000, retryAfter } });
    emulator().reset({ rows: false, counters: true });
    const waits: number[] = [];
    while (new Set(waits).size < 3) waits.push(Number((await api.get('WhoAmI')).headers.get('retry-after')));
    expect([...new Set(waits)]).toEqual([10, 20, 40]);
    expect(emulator().counters().earlyRetries).toBeGreaterThanOrEqual(2);
  });
});

emulatorOnly('Retry-After as an HTTP date', () => {
  it('tells the time until which to wait, and an earlier request is early', async () => {
    const nowMs = Date.parse('2030-01-01T00:00:00.400Z');
    let passedMs = 0;
    const clock = { now: () => nowMs + passedMs, until: () => Promise.resolve() };
    const limits = { concurrency: 0, retryAfter: { model: 'httpDate', concurrencySeconds: 10 } } as const;
    const emulator = await startSuiteEmulator({ clock, settings: { limits } });
    const api = clientOf(emulator);
    const refused = await api.get('WhoAmI');
    expect(refused.headers.get('retry-after')).toBe('Tue, 01 Jan 2030 00:00:11 GMT');
    passedMs = 5000;
    await api.get('WhoAmI');
    expect(emulator.counters().earlyRetries).toBe(1);
    await emulator.close();
  });
});

emulatorOnly('the clock', () => {
  it('can be replaced, and then windows, waits and tokens follow it', async () => {
    let nowMs = Date.parse('2030-01-01T00:00:00Z');
    const clock = { now: () => nowMs, until: () => Promise.resolve() };
    const emulator = await startSuiteEmulator({ clock, settings: { limits: { requests: 1 } } });
    const api = clientOf(emulator);
    await api.get('WhoAmI');
    const refused = await api.get('WhoAmI');
    expect([refused.status, refused.headers.get('date')]).toEqual([429, 'Tue, 01 Jan 2030 00:00:00 GMT']);
    nowMs += Number(refused.headers.get('retry-after')) * 1000;
    expect((await api.get('WhoAmI')).status).toBe(200);
    nowMs += 3600_000;
    expect((await api.get('WhoAmI')).status).toBe(401);
    await emulator.close();
  });
});
