/* eslint-disable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-explicit-any -- bodies of answers have no static type; the assertions check them */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/index.ts';
import { clientOf, startSuiteEmulator } from '../../support/start.ts';
import type { WebApiClient } from '../../support/web-api-client.ts';

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
