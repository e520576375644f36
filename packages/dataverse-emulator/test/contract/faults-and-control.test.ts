/* eslint-disable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-explicit-any -- bodies of answers have no static type; the assertions check them */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/index.ts';
import { clientOf, startSuiteEmulator } from '../support/start.ts';
import { errorOf, type WebApiClient } from '../support/web-api-client.ts';

describe('faults', () => {
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

  it.each(['slowHeaders', 'slowBody'] as const)('%s delivers the whole answer in the end', async (kind) => {
    emulator.faults.add({ kind, match: {}, delayMs: 30 });
    expect((await api.get('WhoAmI')).json.UserId).toBeDefined();
  });

  it('hint changes the hint from then on', async () => {
    emulator.faults.add({ kind: 'hint', match: {}, nth: 1, hint: 3 });
    expect((await api.get('WhoAmI')).headers.get('x-ms-dop-hint')).toBe('3');
    expect((await api.get('WhoAmI')).headers.get('x-ms-dop-hint')).toBe('3');
    emulator.changeSettings({ hint: 8 });
  });
});

describe('control', () => {
  let emulator: Emulator;
  let api: WebApiClient;
  beforeAll(async () => {
    emulator = await startSuiteEmulator();
    api = clientOf(emulator);
    await api.bulk(
      'suite_cities',
      'suite_city',
      'UpsertMultiple',
      [1, 2, 3].map((number) => ({
        '@odata.id': `suite_cities(suite_code='c${number}')`,
        suite_name: 'A',
        suite_number: number,
      })),
    );
  });
  afterAll(() => emulator.close());
  const control = async (path: string, init?: RequestInit): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${emulator.url}/_emulator/${path}`, init);
    return { status: response.status, text: await response.text() };
  };
  const lines = (text: string): any[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);

  it('reads the journal in order, from where one left off', async () => {
    const entries = lines((await control('journal')).text);
    expect(entries).toMatchObject(
      [1, 2, 3].map((sequence) => ({
        sequence,
        table: 'suite_city',
        operation: 'created',
        key: `suite_code='c${sequence}'`,
      })),
    );
    expect(entries[0]).toMatchObject({
      rowId: expect.any(String),
      rowVersion: expect.any(Number),
      atMs: expect.any(Number),
      requestId: expect.any(String),
      user: expect.any(String),
    });
    expect(lines((await control('journal?after=1&limit=1')).text).map(({ sequence }) => sequence)).toEqual([2]);
  });

  it('counts, hashes and lists the rows of a table', async () => {
    expect(JSON.parse((await control('tables/suite_city/count')).text)).toEqual({ count: 3 });
    expect(JSON.parse((await control('tables/suite_city/hash?columns=suite_code')).text)).toEqual({
      count: 3,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(
      lines((await control('tables/suite_city/rows')).text)
        .map((row) => row.suite_number)
        .sort(),
    ).toEqual([1, 2, 3]);
    expect((await control('tables/nothing/count')).status).toBe(404);
  });

  it('reads and changes settings, and names faults without changing anything', async () => {
    const patch = (body: unknown) => control('settings', { method: 'PATCH', body: JSON.stringify(body) });
    expect(JSON.parse((await patch({ hint: 5 })).text)).toMatchObject({ hint: 5 });
    const refused = await patch({ hint: 6, limits: { requests: 'x' } });
    expect(refused.status).toBe(400);
    expect(JSON.parse(refused.text).faults).toEqual(['/limits/requests must be a number']);
    expect(JSON.parse((await control('settings')).text)).toMatchObject({ hint: 5 });
  });

  it('is neither counted nor limited', async () => {
    const before = emulator.counters().servers;
    await control('counters');
    expect(emulator.counters().servers).toEqual(before);
  });

  it('resets rows and counters', async () => {
    expect((await control('reset', { method: 'POST', body: '{"rows":true,"counters":true}' })).status).toBe(200);
    expect(JSON.parse((await control('tables/suite_city/count')).text)).toEqual({ count: 0 });
    expect((await control('journal')).text).toBe('');
    expect((await api.get('WhoAmI')).status).toBe(200);
  });
});

describe('the data directory', () => {
  it('keeps committed rows through kill -9', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dataverse-emulator-'));
    const source = new URL('../../src/cli.ts', import.meta.url).pathname;
    const launch = async () => {
      const child = spawn(process.execPath, [source, '--port', '0', '--profile', 'fast', '--data', directory], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const url = await new Promise<string>((resolve, reject) => {
        child.once('exit', (code) => reject(new Error(`exit ${code}`)));
        child.stdout.once('data', (text: Buffer) =>
          resolve(/^dataverse-emulator ready at (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(text.toString())?.[1] ?? ''),
        );
      });
      return { child, url, exit: new Promise<number | null>((resolve) => child.once('exit', resolve)) };
    };
    const first = await launch();
    const api = clientOf({ url: first.url } as Emulator);
    await api.bulk('accounts', 'account', 'CreateMultiple', [{ name: 'kept' }, { name: 'kept too' }]);
    first.child.kill('SIGKILL');
    await first.exit;
    const second = await launch();
    const answer = await clientOf({ url: second.url } as Emulator).get('accounts?$select=name&$orderby=name');
    expect(answer.json.value.map((row: { name: string }) => row.name)).toEqual(['kept', 'kept too']);
    second.child.kill('SIGTERM');
    expect(await second.exit).toBe(0);
    rmSync(directory, { recursive: true });
  });
});
