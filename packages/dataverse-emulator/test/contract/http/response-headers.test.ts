import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { emulatorContract, emulatorOnly } from '../../support/contract.ts';
import { clientOf, startSuiteEmulator } from '../../support/start.ts';

emulatorOnly('every response', () => {
  it('carries the recorded headers, errors included', async () => {
    const emulator = await startSuiteEmulator({ profile: 'documented-4' });
    const api = clientOf(emulator);
    const answer = await api.get('nothings', { 'x-ms-client-request-id': 'mine' });
    const header = (name: string): string | null => answer.headers.get(name);
    expect(answer.status).toBe(404);
    expect(header('odata-version')).toBe('4.0');
    expect(header('x-ms-dop-hint')).toBe('16');
    expect(header('x-ms-ratelimit-burst-remaining-xrm-requests')).toMatch(/^\d+$/);
    expect(header('x-ms-ratelimit-time-remaining-xrm-requests')).toBe('1,200.00');
    expect(header('x-ms-service-request-id')).toMatch(/^mine,/);
    expect(header('content-type')).toBe('application/json; odata.metadata=minimal');
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^ARRAffinity=[0-9a-f]{64}; path=\/; secure; HttpOnly$/),
      expect.stringMatching(/^ReqClientId=/),
    ]);
    const guid = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
    expect(header('req_id')).toMatch(new RegExp(`^(${guid}),\\1$`));
    expect(header('x-ms-service-request-id')).toBe(`mine,${header('req_id')?.split(',')[0] ?? ''}`);
    expect(header('authactivityid')).toMatch(new RegExp(`^${guid}$`));
    expect(header('x-source')).toMatch(/^\d+,\d+$/);
    expect(header('date')).toBe(new Date(header('date') ?? '').toUTCString());
    expect(
      ['crm.serviceid', 'allow', 'public', 'strict-transport-security', 'cache-control', 'expires'].map(header),
    ).toEqual([
      'CRMAppPool',
      'OPTIONS,GET,HEAD,POST',
      'OPTIONS,GET,HEAD,POST',
      'max-age=31536000; includeSubDomains',
      'no-cache',
      '-1',
    ]);
    await emulator.close();
  });
});

emulatorContract('headers by the settings', {}, ({ api, emulator }) => {
  const hint = async (): Promise<string | null> => (await api.get('WhoAmI')).headers.get('x-ms-dop-hint');

  it('give a number, any text, or no hint', async () => {
    for (const value of [50, 'many', null]) {
      emulator().changeSettings({ hint: value });
      expect(await hint()).toBe(value === null ? null : String(value));
    }
  });

  it('can change the hint every few requests', async () => {
    emulator().changeSettings({ hintTurns: { requests: 2, values: [50, 5] } });
    const seen: (string | null)[] = [];
    for (let index = 0; index < 6; index += 1) seen.push(await hint());
    expect(seen).toEqual(['50', '50', '5', '5', '50', '50']);
  });

  it('tell an error of the token with hint and request id as well', async () => {
    const response = await fetch(`${api.root}/WhoAmI`);
    expect(response.status).toBe(401);
    expect(response.headers.get('x-ms-dop-hint')).toBe('8');
    expect(response.headers.get('req_id')).toMatch(/^[0-9a-f-]{36},[0-9a-f-]{36}$/);
  });

  it('come with a body in gzip when the client takes it and it is worth it', async () => {
    const { name } = { name: 'x'.repeat(150) };
    await api.bulk(
      'accounts',
      'account',
      'CreateMultiple',
      Array.from({ length: 20 }, () => ({ name })),
    );
    const plain = await api.get('accounts', { 'accept-encoding': 'identity' });
    const zipped = await api.get('accounts', { 'accept-encoding': 'gzip' });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(zipped.json.value).toEqual(plain.json.value);
  });

  it('echo several preferences, quoted or not', async () => {
    const prefer = 'odata.include-annotations="*", odata.maxpagesize="3"';
    const answer = await api.get('accounts?$count=true', { PREFER: prefer });
    expect(answer.headers.get('preference-applied')).toBe('odata.maxpagesize=3,odata.include-annotations="*"');
    const unquoted = await api.get('accounts', { prefer: 'odata.include-annotations=*,odata.track-changes' });
    expect(unquoted.headers.get('preference-applied')).toBe('odata.track-changes,odata.include-annotations="*"');
    expect((await api.get('accounts')).headers.get('preference-applied')).toBeNull();
    expect(answer.json['@Microsoft.Dynamics.CRM.totalrecordcount']).toEqual(expect.any(Number));
  });

  it('refuse bodies above the limit with 413, and go on', async () => {
    emulator().changeSettings({ maxBodyBytes: 1000 });
    const answer = await api.post('accounts', { name: 'x'.repeat(5000) });
    expect([answer.status, answer.json.error.code]).toEqual([413, '0x8004418A']);
    expect((await api.post('accounts', { name: 'A' })).status).toBe(204);
  });

  it('are sent over connections that stay open and are closed after the time of the settings', async () => {
    emulator().changeSettings({ keepAliveMs: 50 });
    const socket = connect(Number(new URL(emulator().url).port), '127.0.0.1');
    socket.resume();
    const started = Date.now();
    socket.write('GET /api/data/v9.2/WhoAmI HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'close');
    expect(Date.now() - started).toBeGreaterThanOrEqual(45);
  });

  it('know page sizes below what a client prefers', async () => {
    emulator().changeSettings({ pageSize: 3 });
    const answer = await api.get('accounts', { prefer: 'odata.maxpagesize=10' });
    expect(answer.json.value).toHaveLength(3);
    expect(answer.json['@odata.nextLink']).toBeDefined();
  });

  it('do not go out to a client that has left, and its work is done nevertheless', async () => {
    emulator().changeSettings({ latency: { overheadMs: { single: 80 } } });
    const token = await api.target.getToken();
    const before = emulator().journal.lastSequence;
    const sent = fetch(`${api.root}/accounts`, {
      method: 'POST',
      body: '{"name":"Orphan"}',
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(20),
    });
    await expect(sent).rejects.toThrow();
    await expect.poll(() => emulator().journal.lastSequence).toBe(before + 1);
  });
});
