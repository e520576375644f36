/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-call, @typescript-eslint/restrict-plus-operands -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { type Answer } from '../../support/web-api-client.ts';

const annotated = { prefer: 'odata.include-annotations="*"' };

contract('elastic tables', (api) => {
  const elastic = (
    message: string,
    rows: Record<string, unknown>[],
    headers?: Record<string, string>,
  ): Promise<Answer> => api.bulk('suite_readings', 'suite_reading', message, rows, headers);

  it('keep what succeeded and list what failed when annotations are asked for', async () => {
    const [taken, free] = [randomUUID(), randomUUID()];
    await elastic('CreateMultiple', [{ suite_readingid: taken, suite_name: 'A' }]);
    const rows = [
      { suite_readingid: taken, suite_name: 'B' },
      { suite_readingid: free, suite_name: 'C' },
    ];
    const answer = await elastic('CreateMultiple', rows, annotated);
    expect(answer.status).toBe(400);
    const details = JSON.parse(answer.json.error['@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails']);
    expect(details).toEqual([{ RequestIndex: 0, Id: taken, StatusCode: 409 }]);
    expect((await api.get(`suite_readings(${free})`)).json.suite_name).toBe('C');
  });

  it('keep what succeeded behind a plain error without annotations', async () => {
    const [missing, there] = [randomUUID(), randomUUID()];
    await elastic('CreateMultiple', [{ suite_readingid: there, suite_name: 'A' }]);
    const answer = await elastic('DeleteMultiple', [{ suite_readingid: missing }, { suite_readingid: there }]);
    expect(Object.keys(answer.json.error)).toEqual(['code', 'message']);
    expect((await api.get(`suite_readings(${there})`)).status).toBe(404);
  });

  it('replace the whole row with an upsert', async () => {
    const id = randomUUID();
    await elastic('UpsertMultiple', [{ suite_readingid: id, suite_name: 'A', suite_value: 1 }]);
    await elastic('UpsertMultiple', [{ suite_readingid: id, suite_name: 'B' }]);
    expect((await api.get(`suite_readings(${id})`)).json).toMatchObject({ suite_name: 'B', suite_value: null });
  });
});
