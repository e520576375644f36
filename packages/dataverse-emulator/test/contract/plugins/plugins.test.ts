import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { PluginStub } from '../../../src/index.ts';
import { emulatorContract } from '../../support/contract.ts';
import { errorOf, idOf, WebApiClient, type Answer } from '../../support/web-api-client.ts';
import { tokenFor } from '../../support/start.ts';

emulatorContract('plug-in stubs', {}, ({ api, emulator }) => {
  const register = (stub: Partial<PluginStub>): void =>
    emulator().changeSettings({
      plugins: [{ table: 'suite_city', message: 'Create', ...stub } as unknown as PluginStub],
    });
  const create = (members: object = {}, headers: Record<string, string> = {}, query = ''): Promise<Answer> =>
    api.post(`suite_cities${query}`, { suite_name: 'A', ...members }, headers);
  const calls = (): string[] => {
    const found = emulator()
      .pluginCalls()
      .map(({ message, mode, outcome }) => `${message} ${mode} ${outcome}`);
    emulator().reset({ rows: false, counters: true });
    return found;
  };

  it('refuse a row with 0x80040265 and their text, and what they refuse is not written', async () => {
    register({ action: 'refuse', text: 'No cities on Sundays.', where: { suite_region: 'sunday' } });
    const refused = await create({ suite_region: 'sunday' });
    expect(errorOf(refused)).toEqual({ status: 400, code: '0x80040265' });
    expect(refused.text).toContain('No cities on Sundays.');
    expect((await create({ suite_region: 'monday' })).status).toBe(204);
    expect((await api.get("suite_cities/$count?$filter=suite_region eq 'sunday'")).text).toBe('0');
    expect(calls()).toEqual(['Create sync refused']);
  });

  it('take a whole bulk message with them', async () => {
    register({ action: 'refuse', where: { suite_region: 'bad' } });
    const code = randomUUID();
    const rows = [
      { suite_name: 'A', suite_code: code },
      { suite_name: 'B', suite_region: 'bad' },
    ];
    const answer = await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', rows);
    expect(errorOf(answer)).toEqual({ status: 400, code: '0x80040265' });
    expect((await api.get(`suite_cities(suite_code='${code}')`)).status).toBe(404);
    expect(calls()).toEqual(['Create sync refused']);
  });

  it('crash with 0x80040224', async () => {
    register({ action: 'crash' });
    expect(errorOf(await create())).toEqual({ status: 500, code: '0x80040224' });
    expect(calls()).toEqual(['Create sync crashed']);
  });

  it('run on Create, Update and Delete, whether of one row or of several, and on Upsert of elastic tables', async () => {
    const stub = (table: string, message: string) => ({ table, message }) as unknown as PluginStub;
    emulator().changeSettings({
      plugins: [
        ...['Create', 'Update', 'Delete'].map((message) => stub('suite_city', message)),
        stub('suite_reading', 'Upsert'),
      ],
    });
    const id = idOf(await create());
    await api.patch(`suite_cities(${id})`, { suite_number: 1 });
    await api.bulk('suite_cities', 'suite_city', 'UpsertMultiple', [
      { suite_cityid: id, suite_number: 2 },
      { suite_name: 'B' },
    ]);
    await api.delete(`suite_cities(${id})`);
    expect(calls().map((call) => call.split(' ')[0])).toEqual(['Create', 'Update', 'Update', 'Create', 'Delete']);
    const reading = { suite_readingid: randomUUID(), suite_name: 'A' };
    await api.bulk('suite_readings', 'suite_reading', 'UpsertMultiple', [reading]);
    await api.bulk('suite_readings', 'suite_reading', 'UpsertMultiple', [reading]);
    expect(calls()).toEqual(['Upsert sync passed', 'Upsert sync passed']);
  });

  it('make a request longer by their delay for each row, as execution time', async () => {
    register({ delayMs: 40 });
    emulator().reset({ rows: false, counters: true });
    await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', [{ suite_name: 'A' }, { suite_name: 'B' }]);
    const [user] = Object.values(emulator().counters().users);
    expect(user?.executionTimeMs).toBe(80);
    expect(calls()).toHaveLength(2);
    await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', [{ suite_name: 'A' }], {
      'mscrm.bypasscustompluginexecution': 'true',
    });
    expect(Object.values(emulator().counters().users)[0]?.executionTimeMs).toBe(0);
  });

  it.each([
    ['MSCRM.BypassBusinessLogicExecution: CustomSync', { 'mscrm.bypassbusinesslogicexecution': 'CustomSync' }, 'sync'],
    [
      'MSCRM.BypassBusinessLogicExecution: CustomAsync',
      { 'mscrm.bypassbusinesslogicexecution': 'CustomAsync' },
      'async',
    ],
    ['MSCRM.BypassCustomPluginExecution: true', { 'mscrm.bypasscustompluginexecution': 'true' }, 'sync'],
    ['the id of the step', { 'mscrm.bypassbusinesslogicexecutionstepids': 'other,STEP' }, 'sync'],
  ] as const)('are left out by %s', async (_, headers, mode) => {
    register({ mode, action: 'refuse', stepId: 'step' });
    expect((await create({}, headers)).status).toBe(204);
    expect(calls()).toEqual([]);
  });

  it('are not left out by the header of the other kind', async () => {
    register({ mode: 'sync', delayMs: 0 });
    await create({}, { 'mscrm.bypassbusinesslogicexecution': 'CustomAsync' });
    expect(calls()).toEqual(['Create sync passed']);
  });

  it('run after the commit when asynchronous, and not at all when nothing was committed', async () => {
    register({ mode: 'async' });
    expect((await create()).status).toBe(204);
    expect(calls()).toEqual(['Create async passed']);
    await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', [
      { suite_name: 'A' },
      { suite_name: 'x'.repeat(99) },
    ]);
    expect(calls()).toEqual([]);
  });

  it('are logged with request, user and tag', async () => {
    register({});
    const answer = await create({}, {}, '?tag=nightly');
    const response = await fetch(`${emulator().url}/_emulator/plugins`);
    expect(JSON.parse(await response.text())).toMatchObject({
      table: 'suite_city',
      tag: 'nightly',
      outcome: 'passed',
      requestId: answer.headers.get('req_id')?.split(',')[0],
    });
  });

  it('do not get a message whose context is too large for them', async () => {
    register({});
    emulator().changeSettings({ pluginContextMaxBytes: 1000 });
    const rows = Array.from({ length: 20 }, () => ({ suite_name: 'A', suite_code: randomUUID() }));
    const answer = await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', rows);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('Message size exceeded when sending context to Sandbox');
    emulator().changeSettings({ plugins: [] });
    expect((await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', rows)).status).toBe(200);
  });

  it('cannot be left out without the privilege, also not inside a batch', async () => {
    const users = [{ ...emulator().settings().users[0]!, clientId: 'plain', mayBypassLogic: false }];
    emulator().changeSettings({ users: [...emulator().settings().users, ...users] });
    const token = await tokenFor(emulator(), 'plain');
    const plain = new WebApiClient({ url: emulator().url, getToken: () => Promise.resolve(token) });
    const bypass = 'MSCRM.BypassBusinessLogicExecution: CustomSync';
    const body = ['--b', 'Content-Type: application/http', '', 'GET /api/data/v9.2/WhoAmI HTTP/1.1', bypass, '', '', '--b--', ''].join('\r\n'); // prettier-ignore
    const answer = await plain.post('$batch', body, { 'content-type': 'multipart/mixed; boundary=b' });
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('prvBypassCustomBusinessLogic');
  });
});
