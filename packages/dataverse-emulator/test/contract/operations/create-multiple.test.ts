/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-call, @typescript-eslint/restrict-plus-operands -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
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
});
