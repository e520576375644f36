import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract, emulatorContract } from '../../support/contract.ts';
import { errorOf, type WebApiClient } from '../../support/web-api-client.ts';

const condition = (AttributeName: string, Operator: string, value?: string | number) => ({
  AttributeName,
  Operator,
  Values: value === undefined ? [] : [{ Value: String(value), Type: 'System.String' }],
});
const jobOf = (region: string, ...conditions: object[]) => ({
  QuerySet: [
    {
      EntityName: 'suite_city',
      Criteria: { FilterOperator: 'And', Conditions: [condition('suite_region', 'Equal', region), ...conditions] },
    },
  ],
  JobName: `Clear ${region}`,
  SendEmailNotification: false,
  ToRecipients: [],
  CCRecipients: [],
  RecurrencePattern: '',
  StartDateTime: '2024-01-01T00:00:00Z',
});
const fill = async (api: WebApiClient): Promise<string> => {
  const region = randomUUID();
  const rows = [1, 2, 3, 4].map((number) => ({ suite_name: 'A', suite_region: region, suite_number: number }));
  await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', rows);
  return region;
};
const count = async (api: WebApiClient, region: string): Promise<number> =>
  Number((await api.get(`suite_cities/$count?$filter=suite_region eq '${region}'`)).text);

contract('BulkDelete', (api) => {
  it('answers a job that deletes what its query finds and is followed in asyncoperations', async () => {
    const region = await fill(api);
    const answer = await api.post('BulkDelete', jobOf(region, condition('suite_number', 'GreaterThan', 2)));
    expect(answer.status).toBe(200);
    const job = `asyncoperations(${answer.json.JobId as string})`;
    await expect
      .poll(async () => (await api.get(job)).json as unknown, { timeout: 120_000, interval: 200 })
      .toMatchObject({ statecode: 3, statuscode: 30, operationtype: 13 });
    expect(await count(api, region)).toBe(2);
  });

  it('is refused without queries, with an unknown table, and with a column the table does not have', async () => {
    expect((await api.post('BulkDelete', { JobName: 'x' })).status).toBe(400);
    expect((await api.post('BulkDelete', { JobName: 'x', QuerySet: [{ EntityName: 'nothing' }] })).status).toBe(400);
    expect((await api.post('BulkDelete', jobOf('x', condition('nothing', 'Null')))).status).toBe(400);
    expect((await api.get('BulkDelete')).status).toBe(405);
  });
});

emulatorContract('BulkDelete of the emulator', {}, ({ api, emulator }) => {
  it('is done after the time that the settings give, and is in the journal under the id of its job', async () => {
    const region = await fill(api);
    emulator().changeSettings({ bulkDeleteSeconds: 0.2 });
    const jobId = String((await api.post('BulkDelete', jobOf(region))).json.JobId);
    expect((await api.get(`asyncoperations(${jobId})`)).json).toMatchObject({ statecode: 0 });
    expect(await count(api, region)).toBe(4);
    await expect.poll(() => count(api, region)).toBe(0);
    const entries = emulator().journal.entriesAfter(0, 1000);
    expect(entries.filter((entry) => entry.requestId === jobId && entry.operation === 'deleted')).toHaveLength(4);
  });

  it('fails as a whole when rows cannot be deleted, and says how many', async () => {
    const region = await fill(api);
    const refusal = { table: 'suite_city', message: 'Delete', action: 'refuse' } as const;
    emulator().changeSettings({ bulkDeleteSeconds: 0, plugins: [refusal] as never });
    const jobId = String((await api.post('BulkDelete', jobOf(region))).json.JobId);
    await expect
      .poll(async () => (await api.get(`asyncoperations(${jobId})`)).json as unknown)
      .toMatchObject({ statecode: 3, statuscode: 31, message: '0 deleted, 4 failed' });
    expect(await count(api, region)).toBe(4);
  });

  it('goes on when the end of a job cannot be written', async () => {
    const region = await fill(api);
    const refusal = { table: 'asyncoperation', message: 'Update', action: 'refuse' } as const;
    emulator().changeSettings({ bulkDeleteSeconds: 0, plugins: [refusal] as never });
    await api.post('BulkDelete', jobOf(region));
    await expect.poll(() => emulator().pluginCalls().length).toBeGreaterThan(0);
    // What the job did is taken back with it, and the emulator lives.
    expect(await count(api, region)).toBe(4);
  });

  it('needs the privilege to delete', async () => {
    const [user] = emulator().settings().users;
    emulator().changeSettings({ users: [{ ...user!, denied: ['prvDeletesuite_City'] }] });
    expect(errorOf(await api.post('BulkDelete', jobOf('x')))).toEqual({ status: 403, code: '0x80040220' });
  });
});
