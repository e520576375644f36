/* eslint-disable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-explicit-any -- bodies of answers have no static type; the assertions check them */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { virtualClock, type Emulator } from '../../../src/index.ts';
import { emulatorOnly } from '../../support/contract.ts';
import { clientOf, startSuiteEmulator } from '../../support/start.ts';
import type { WebApiClient } from '../../support/web-api-client.ts';

emulatorOnly('control', () => {
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

  it('reads a journal of any length in one go', async () => {
    const rows = Array.from({ length: 3000 }, () => ({ suite_name: 'Many' }));
    const last = emulator.journal.lastSequence;
    await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', rows);
    const sequences = lines((await control(`journal?after=${last}&limit=1000000`)).text).map(
      ({ sequence }) => sequence,
    );
    expect(sequences).toEqual(rows.map((_, index) => last + 1 + index));
  });

  it.each([
    ['GET', 'tables/suite_city/hash?columns=suite_code,suite_nothing', undefined, "no column 'suite_nothing'"],
    ['GET', 'tables/suite_city/rows?columns=nothing', undefined, "no column 'nothing'"],
    ['GET', 'journal?limit=abc', undefined, "limit must be a whole number of at least 0, not 'abc'"],
    ['GET', 'journal?after=-1', undefined, 'after must be'],
    ['POST', 'reset', '{"row":true}', 'A reset names what to reset'],
    ['POST', 'reset', '{"rows":"yes"}', 'A reset names what to reset'],
    ['POST', 'faults', '{"kind":"deadlock","nth":0}', '/nth'],
    ['POST', 'faults', 'nonsense', 'JSON'],
    ['POST', 'clock', '{"advanceMs":5}', '--clock virtual'],
    ['POST', 'clock', '{"advanceMs":-5}', 'at least 0'],
  ])('refuses %s %s with %s', async (method, path, body, message) => {
    const answer = await control(path, { method, ...(body !== undefined && { body }) });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text).error).toContain(message);
  });

  it('refuses what is too large or not there', async () => {
    expect((await control('settings', { method: 'PATCH', body: 'x'.repeat(2 ** 20 + 1) })).status).toBe(413);
    expect((await control('nothing')).status).toBe(404);
  });

  it('forgets what was used of the limits, and the waits that were told', async () => {
    emulator.changeSettings({ limits: { requests: 1, windowMs: 290_000, retryAfter: { earlyGraceMs: 0 } } });
    expect([(await api.get('WhoAmI')).status, (await api.get('WhoAmI')).status]).toEqual([200, 429]);
    await control('reset', { method: 'POST', body: '{"limits":true,"counters":true}' });
    expect((await api.get('WhoAmI')).status).toBe(200);
    expect(emulator.counters().earlyRetries).toBe(0);
    emulator.changeSettings({ limits: { requests: null, windowMs: 300_000 } });
  });

  it('resets rows and counters', async () => {
    expect((await control('reset', { method: 'POST', body: '{"rows":true,"counters":true}' })).status).toBe(200);
    expect(JSON.parse((await control('tables/suite_city/count')).text)).toEqual({ count: 0 });
    expect((await control('journal')).text).toBe('');
    expect((await api.get('WhoAmI')).status).toBe(200);
  });
});

emulatorOnly('a virtual clock', () => {
  it('stands still until it is moved over HTTP, and then what waited goes on', async () => {
    const startMs = Date.parse('2030-01-01T00:00:00Z');
    const emulator = await startSuiteEmulator({
      clock: virtualClock(startMs),
      settings: { latency: { overheadMs: { single: 5000 } } },
    });
    const api = clientOf(emulator);
    const clock = async (body?: object) => {
      const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      return (await (await fetch(`${emulator.url}/_emulator/clock`, init)).json()) as Record<string, unknown>;
    };
    expect(await clock()).toEqual({ now: '2030-01-01T00:00:00.000Z', nowMs: startMs, isVirtual: true });
    const created = api.post('accounts', { name: 'A' }, { prefer: 'return=representation' });
    await expect.poll(() => emulator.counters().running).toBe(1);
    expect(await clock({ advanceMs: 4999 })).toMatchObject({ nowMs: startMs + 4999 });
    expect(emulator.counters().running).toBe(1);
    await clock({ advanceMs: 1 });
    expect((await created).json).toMatchObject({ createdon: '2030-01-01T00:00:05Z' });
    await emulator.close();
  });
});
