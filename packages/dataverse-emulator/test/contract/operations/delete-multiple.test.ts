/* eslint-disable @typescript-eslint/no-unsafe-argument -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract, emulatorContract } from '../../support/contract.ts';
import { type Answer } from '../../support/web-api-client.ts';

const annotated = { prefer: 'odata.include-annotations="*"' };

contract('DeleteMultiple', (api) => {
  const standard = (message: string, rows: Record<string, unknown>[]): Promise<Answer> =>
    api.bulk('suite_cities', 'suite_city', message, rows);
  const elastic = (
    message: string,
    rows: Record<string, unknown>[],
    headers?: Record<string, string>,
  ): Promise<Answer> => api.bulk('suite_readings', 'suite_reading', message, rows, headers);

  it('does not exist on a standard table', async () => {
    const answer = await standard('DeleteMultiple', [{ suite_cityid: randomUUID() }]);
    expect(answer.json.error).toEqual({ code: '0x80040219', message: 'DeleteMultiple has not yet been implemented.' });
  });

  it('deletes rows of an elastic table', async () => {
    const created = await elastic('CreateMultiple', [{ suite_name: 'A' }, { suite_name: 'B' }]);
    const [first, second] = created.json.Ids as string[];
    expect((await elastic('DeleteMultiple', [{ suite_readingid: first }, { suite_readingid: second }])).status).toBe(
      204,
    );
    expect((await api.get(`suite_readings(${first})`)).status).toBe(404);
  });

  it('reports a missing row by its place and deletes the others', async () => {
    const created = await elastic('CreateMultiple', [{ suite_name: 'A' }]);
    const [there] = created.json.Ids as string[];
    const missing = randomUUID();
    const answer = await elastic(
      'DeleteMultiple',
      [{ suite_readingid: missing }, { suite_readingid: there }],
      annotated,
    );
    const details = answer.json.error['@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails'];
    expect(JSON.parse(details)).toEqual([{ RequestIndex: 0, Id: missing, StatusCode: 404 }]);
    expect((await api.get(`suite_readings(${there})`)).status).toBe(404);
  });
});

emulatorContract('DeleteMultiple on a standard table', {}, ({ api, emulator }) => {
  it('answers 501, or what the settings say', async () => {
    const send = async (): Promise<number> =>
      (await api.bulk('suite_cities', 'suite_city', 'DeleteMultiple', [{ suite_cityid: randomUUID() }])).status;
    expect(await send()).toBe(501);
    emulator().changeSettings({ deleteMultipleStandardStatus: 400 });
    expect(await send()).toBe(400);
  });
});
