import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { virtualClock, type Emulator } from '../../../src/index.ts';
import { emulatorOnly } from '../../support/contract.ts';
import { clientOf, startSuiteEmulator, tokenFor } from '../../support/start.ts';
import { errorOf, type WebApiClient } from '../../support/web-api-client.ts';

emulatorOnly('faults', () => {
  let emulator: Emulator;
  let api: WebApiClient;
  beforeAll(async () => {
    emulator = await startSuiteEmulator();
    api = clientOf(emulator);
  });
  afterEach(() => emulator.faults.clear());
  afterAll(() => emulator.close());

  const control = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`${emulator.url}/_emulator/${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const upsert = (code: string) =>
    api.bulk('suite_cities', 'suite_city', 'UpsertMultiple', [
      { '@odata.id': `suite_cities(suite_code='${code}')`, suite_name: 'A' },
    ]);
  const isThere = async (code: string): Promise<boolean> =>
    (await api.get(`suite_cities(suite_code='${code}')`)).status === 200;

  it('are set over HTTP, strike the requests they match, and are taken away', async () => {
    const added = await control('POST', 'faults', { kind: 'deadlock', match: { message: 'UpsertMultiple' }, nth: 2 });
    expect(added.status).toBe(201);
    expect((await upsert('f1')).status).toBe(204);
    const struck = await upsert('f2');
    expect(errorOf(struck)).toEqual({ status: 400, code: '0x80044150' });
    expect(struck.json.error.message).toContain('Sql Number: 1205');
    expect(await isThere('f2')).toBe(false);
    expect(await (await control('GET', 'faults')).json()).toMatchObject({ rules: [{ matched: 2, fired: 1 }] });
    await control('DELETE', 'faults');
    expect((await upsert('f2')).status).toBe(204);
  });

  it('name what is wrong with a rule', async () => {
    const answer = await control('POST', 'faults', { kind: 'nonsense' });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: expect.stringContaining('/kind') });
  });

  it.each([
    ['throttleRequests', '0x80072322'],
    ['throttleExecutionTime', '0x80072321'],
    ['throttleConcurrency', '0x80072326'],
  ] as const)('%s is told like one of the service and counts those who come too early', async (kind, code) => {
    emulator.changeSettings({ limits: { retryAfter: { earlyGraceMs: 0 } } });
    emulator.reset({ rows: false, counters: true });
    emulator.faults.add({ kind, match: {}, nth: 1, retryAfterSeconds: 400 });
    const refused = await api.get('WhoAmI');
    expect(errorOf(refused)).toEqual({ status: 429, code });
    expect(refused.headers.get('retry-after')).toBe('400');
    await expect
      .poll(async () => {
        await api.get('WhoAmI');
        return emulator.counters().earlyRetries;
      })
      .toBeGreaterThan(0);
  });

  it('htmlError answers as a gateway does', async () => {
    emulator.faults.add({ kind: 'htmlError', match: {}, status: 502 });
    const answer = await api.get('WhoAmI');
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('odata-version')]).toEqual([
      502,
      'text/html; charset=us-ascii',
      null,
    ]);
  });

  it('resetBefore writes nothing, commitThenDrop has written when the connection breaks', async () => {
    emulator.faults.add({ kind: 'resetBefore', match: { message: 'UpsertMultiple' }, nth: 1 });
    emulator.faults.add({ kind: 'commitThenDrop', match: { message: 'UpsertMultiple' }, nth: 2 });
    await expect(upsert('r1')).rejects.toThrow();
    await expect(upsert('r2')).rejects.toThrow();
    expect([await isThere('r1'), await isThere('r2')]).toEqual([false, true]);
  });

  it('cutBody breaks the connection in the middle of the answer', async () => {
    emulator.faults.add({ kind: 'cutBody', match: { message: 'WhoAmI' } });
    const token = await api.target.getToken();
    const response = await fetch(`${api.root}/WhoAmI`, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    emulator.faults.add({ kind: 'cutBody', match: { message: 'UpsertMultiple' } });
    await expect(upsert('cut')).rejects.toThrow();
    expect(await isThere('cut')).toBe(true);
  });

  it('lateCommit writes after the client has gone away', async () => {
    emulator.faults.add({ kind: 'lateCommit', match: { message: 'UpsertMultiple' }, delayMs: 150 });
    const token = await api.target.getToken();
    const body = JSON.stringify({
      Targets: [
        {
          '@odata.type': 'Microsoft.Dynamics.CRM.suite_city',
          '@odata.id': "suite_cities(suite_code='late')",
          suite_name: 'A',
        },
      ],
    });
    const sent = fetch(`${api.root}/suite_cities/Microsoft.Dynamics.CRM.UpsertMultiple`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(50),
    });
    await expect(sent).rejects.toThrow();
    expect(await isThere('late')).toBe(false);
    await expect.poll(() => isThere('late')).toBe(true);
  });

  it.each([
    ['slowHeaders', false],
    ['slowBody', true],
  ] as const)('%s delivers the whole answer in the end', async (kind, hasHeadersBefore) => {
    const clock = virtualClock(Date.parse('2030-01-01T00:00:00Z'));
    const slow = await startSuiteEmulator({ clock });
    slow.faults.add({ kind, match: {}, delayMs: 1000 });
    const sent = fetch(`${slow.url}/api/data/v9.2/WhoAmI`, {
      headers: { authorization: `Bearer ${await tokenFor(slow)}` },
    });
    const headersFirst = sent.then(() => true);
    await expect.poll(() => slow.counters().statuses).toEqual({ 200: 1 });
    // What is not held back arrives meanwhile; what is held back does not, however long one waits.
    const patience = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), hasHeadersBefore ? 5000 : 50));
    expect(await Promise.race([headersFirst, patience])).toBe(hasHeadersBefore);
    const text = sent.then((response) => response.text());
    const early = new Promise<string>((resolve) => setTimeout(() => resolve('nothing yet'), 50));
    expect(await Promise.race([text, early])).toBe('nothing yet');
    await clock.advance(1000);
    expect(JSON.parse(await text)).toMatchObject({ UserId: expect.any(String) });
    await slow.close();
  });

  it('hint changes the hint from then on', async () => {
    emulator.faults.add({ kind: 'hint', match: {}, nth: 1, hint: 3 });
    expect((await api.get('WhoAmI')).headers.get('x-ms-dop-hint')).toBe('3');
    expect((await api.get('WhoAmI')).headers.get('x-ms-dop-hint')).toBe('3');
    emulator.changeSettings({ hint: 8 });
  });

  it.each([
    ['throttleRequests', -2147015902],
    ['throttleExecutionTime', -2147015903],
    ['throttleConcurrency', -2147015898],
  ] as const)('%s can have the older body, and no Retry-After', async (kind, ErrorCode) => {
    emulator.faults.add({ kind, match: {}, nth: 1, body: 'message', retryAfterSeconds: null });
    const answer = await api.get('WhoAmI');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, null]);
    expect(answer.json).toMatchObject({ Message: expect.any(String), ExceptionType: expect.any(String), ErrorCode });
  });

  it.each([
    ['throttleRequests', 429, '"ErrorCode":-2147015902'],
    ['deadlock', 400, 'Sql Number: 1205'],
  ] as const)('%s can strike one operation of a batch', async (kind, status, text) => {
    emulator.faults.add({ kind, match: { message: '$batch' }, nth: 1, part: 2 });
    const part = ['--b', 'Content-Type: application/http', '', 'GET /api/data/v9.2/WhoAmI HTTP/1.1', '', ''];
    const body = [...part, ...part, ...part, '--b--', ''].join('\r\n');
    const headers = { 'content-type': 'multipart/mixed; boundary=b', prefer: 'odata.continue-on-error' };
    const answer = await api.post('$batch', body, headers);
    const statuses = [...answer.text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map((match) => Number(match[1]));
    expect([answer.status, ...statuses]).toEqual([200, 200, status, 200]);
    expect(answer.text).toContain(text);
  });

  it.each([
    [502, undefined],
    [503, undefined],
    [503, 20],
    [504, undefined],
  ])('htmlError answers %i with Retry-After %s', async (status, retryAfterSeconds) => {
    emulator.faults.add({ kind: 'htmlError', match: {}, status, ...(retryAfterSeconds && { retryAfterSeconds }) });
    const answer = await api.get('WhoAmI');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, retryAfterSeconds?.toString() ?? null]);
    expect(answer.text).toMatch(/^<!DOCTYPE HTML>/);
  });

  it.each([
    ['unexpected', 500, '0x80040216'],
    ['sandboxUnavailable', 500, '0x8004418D'],
    ['deadlock', 400, '0x80044150'],
    ['sqlTimeout', 400, '0x80044151'],
    ['transactionAborted', 400, '0x80040255'],
    ['noTransaction', 400, '0x80040251'],
    ['upsertRace', 412, '0x80040237'],
  ] as const)('%s answers its code once and writes nothing', async (kind, status, code) => {
    emulator.faults.add({ kind, match: { message: 'UpsertMultiple' }, times: 1 });
    expect(errorOf(await upsert(`once ${kind}`))).toEqual({ status, code });
    expect(await isThere(`once ${kind}`)).toBe(false);
    expect((await upsert(`once ${kind}`)).status).toBe(204);
  });

  it('clockSkew puts the Date header ahead or behind', async () => {
    const dateOf = async (skewSeconds: number): Promise<number> => {
      emulator.faults.clear();
      emulator.faults.add({ kind: 'clockSkew', match: {}, skewSeconds });
      return Date.parse((await api.get('WhoAmI')).headers.get('date') ?? '');
    };
    expect((await dateOf(3600)) - Date.now()).toBeGreaterThan(3_500_000);
    expect((await dateOf(-3600)) - Date.now()).toBeLessThan(-3_500_000);
  });

  it('clockSkew moves the date of a Retry-After too: whoever counts it from the Date header waits the right time', async () => {
    const own = await startSuiteEmulator({
      settings: { limits: { requests: 1, retryAfter: { model: 'httpDate', fixedSeconds: 30 } } },
    });
    const ownApi = clientOf(own);
    await ownApi.get('WhoAmI');
    const waits: number[] = [];
    for (const skewSeconds of [0, 3600]) {
      own.faults.clear();
      own.faults.add({ kind: 'clockSkew', match: {}, skewSeconds });
      const { headers } = await ownApi.get('WhoAmI');
      waits.push(Date.parse(headers.get('retry-after') ?? '') - Date.parse(headers.get('date') ?? ''));
    }
    await own.close();
    for (const waitMs of waits) {
      expect(waitMs).toBeGreaterThan(0);
      expect(waitMs).toBeLessThan(600_000);
    }
  });

  it('clockSkewSeconds moves every time that is told, of rows as well', async () => {
    emulator.changeSettings({ clockSkewSeconds: -600 });
    const { headers } = await api.get('WhoAmI');
    expect((await upsert('skewed')).status).toBe(204);
    const row = await api.get("suite_cities(suite_code='skewed')?$select=modifiedon,createdon");
    const { modifiedon, createdon } = row.json as { modifiedon: string; createdon: string };
    emulator.changeSettings({ clockSkewSeconds: 0 });
    for (const told of [headers.get('date') ?? '', modifiedon, createdon]) {
      expect(Date.now() - Date.parse(told)).toBeGreaterThan(599_000);
      expect(Date.now() - Date.parse(told)).toBeLessThan(660_000);
    }
  });

  it('revokeToken makes the token invalid in the middle of its life', async () => {
    emulator.faults.add({ kind: 'revokeToken', match: {}, nth: 2 });
    const own = clientOf(emulator);
    const codes: number[] = [];
    for (let index = 0; index < 3; index += 1) codes.push((await own.get('WhoAmI')).status);
    expect(codes).toEqual([200, 401, 401]);
    expect((await clientOf(emulator, emulator.settings().users[1]?.clientId).get('WhoAmI')).status).toBe(200);
  });

  it('strike by user, by server, by chance, and only so often', async () => {
    emulator.faults.add({ kind: 'unexpected', match: { user: 'nobody' } });
    emulator.faults.add({ kind: 'unexpected', match: { server: 7 } });
    emulator.faults.add({ kind: 'unexpected', match: {}, probability: 0 });
    emulator.faults.add({ kind: 'unexpected', match: { method: 'GET', path: 'WhoAmI' }, every: 2, times: 1 });
    const other = clientOf(emulator, emulator.settings().users[1]?.clientId);
    const codes: number[] = [];
    for (let index = 0; index < 4; index += 1) codes.push((await other.get('WhoAmI')).status);
    expect(codes).toEqual([200, 500, 200, 200]);
  });
});
