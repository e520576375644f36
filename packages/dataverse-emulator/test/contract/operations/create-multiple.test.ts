/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-return -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract, emulatorContract } from '../../support/contract.ts';
import { errorOf, type Answer } from '../../support/web-api-client.ts';

const unique = (): string => randomUUID().slice(0, 8);

contract('CreateMultiple', (api) => {
  const standard = (message: string, rows: Record<string, unknown>[]): Promise<Answer> =>
    api.bulk('suite_cities', 'suite_city', message, rows);
  const read = async (id: string) => (await api.get(`suite_cities(${id})`)).json;
  const countOf = async (code: string): Promise<number> =>
    (await api.get(`suite_cities?$filter=suite_region eq '${code}'`)).json.value.length;

  it('answers the ids in the order of the items', async () => {
    const id = randomUUID();
    const answer = await standard('CreateMultiple', [{ suite_name: 'A' }, { suite_name: 'B', suite_cityid: id }]);
    expect(answer.status).toBe(200);
    expect(answer.json.Ids).toHaveLength(2);
    expect(answer.json.Ids[1]).toBe(id);
    expect((await read(answer.json.Ids[0])).suite_name).toBe('A');
  });

  it('writes nothing when one item is bad, and does not tell which', async () => {
    const region = unique();
    const rows = [1, 2, 3].map((number) => ({
      suite_name: number === 3 ? 'x'.repeat(21) : 'ok',
      suite_region: region,
      suite_number: number,
    }));
    const answer = await standard('CreateMultiple', rows);
    expect(errorOf(answer)).toEqual({ status: 400, code: '0x80044331' });
    expect(await countOf(region)).toBe(0);
  });

  it('refuses the same primary key twice and takes everything back', async () => {
    const id = randomUUID();
    const answer = await standard('CreateMultiple', [
      { suite_name: 'A', suite_cityid: id },
      { suite_name: 'B', suite_cityid: id },
    ]);
    expect(errorOf(answer)).toEqual({ status: 412, code: '0x80040237' });
    expect((await api.get(`suite_cities(${id})`)).status).toBe(404);
  });

  it('refuses items without type, of another type, and no items', async () => {
    const path = 'suite_cities/Microsoft.Dynamics.CRM.CreateMultiple';
    const bodies = [
      { Targets: [{ suite_name: 'A' }] },
      { Targets: [{ '@odata.type': 'Microsoft.Dynamics.CRM.account', name: 'A' }] },
      { Targets: [] },
      {},
    ];
    for (const body of bodies) expect((await api.post(path, body)).status).toBe(400);
  });

  it('refuses a taken alternate key and takes everything back', async () => {
    const [taken, free] = [unique(), unique()];
    await api.post('suite_cities', { suite_name: 'A', suite_code: taken });
    const answer = await standard('CreateMultiple', [
      { suite_name: 'B', suite_code: free },
      { suite_name: 'C', suite_code: taken },
    ]);
    expect(errorOf(answer)).toEqual({ status: 412, code: '0x80060892' });
    expect((await api.get(`suite_cities(suite_code='${free}')`)).status).toBe(404);
  });
});

emulatorContract('bulk messages that a table lacks, or that are new to it', {}, ({ api, emulator }) => {
  const create = (count = 1): Promise<Answer> =>
    api.bulk(
      'suite_cities',
      'suite_city',
      'CreateMultiple',
      Array.from({ length: count }, () => ({ suite_name: 'A' })),
    );

  it('are refused with 0x80044180 where the settings say so, and are missing from the message filters', async () => {
    emulator().changeSettings({ missingMessages: { suite_city: ['CreateMultiple'] } });
    expect(errorOf(await create())).toEqual({ status: 400, code: '0x80044180' });
    const filter = "$filter=sdkmessageid/name eq 'CreateMultiple' and primaryobjecttypecode eq 'suite_city'";
    expect((await api.get(`sdkmessagefilters?${filter}`)).json.value).toEqual([]);
    // Upserts create: without CreateMultiple there is no UpsertMultiple.
    const upsert = await api.bulk('suite_cities', 'suite_city', 'UpsertMultiple', [{ suite_name: 'A' }]);
    expect(errorOf(upsert)).toEqual({ status: 400, code: '0x80044180' });
  });

  it('fail for those who come while the first use prepares the database', async () => {
    emulator().changeSettings({ firstUseMs: 100 });
    const answers = await Promise.all([create(), create(), create(), create()]);
    const failures = answers.filter(({ status }) => status !== 200);
    expect(failures).toHaveLength(3);
    expect(failures.map(errorOf)).toEqual(Array(3).fill({ status: 400, code: '0x80044150' }));
    const numbers = failures.map(({ text }) => /Sql Number: (\d+)/.exec(text)?.[1]);
    expect(numbers.sort()).toEqual(['2766', '2812', '3732']);
    expect((await Promise.all([create(), create()])).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('end with the SQL timeout when they would take too long, and write nothing', async () => {
    emulator().changeSettings({ sqlTimeoutMs: 20, latency: { rowMs: { create: 1 } } });
    emulator().reset({ rows: true, counters: false });
    const answer = await create(50);
    expect(errorOf(answer)).toEqual({ status: 400, code: '0x80044151' });
    expect(answer.text).toContain('Sql Number: -2');
    expect((await api.get('suite_cities/$count')).text).toBe('0');
  });
});
