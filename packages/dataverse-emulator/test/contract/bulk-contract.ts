/* eslint-disable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-argument -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorOf, idOf, WebApiClient, type Answer, type Target } from '../support/web-api-client.ts';

const unique = (): string => randomUUID().slice(0, 8);
const annotated = { prefer: 'odata.include-annotations="*"' };

/** The bulk messages on a standard and an elastic table. */
export function describeBulk(connect: () => Promise<Target>): void {
  let api: WebApiClient;
  beforeAll(async () => {
    api = new WebApiClient(await connect());
  });
  const standard = (message: string, rows: Record<string, unknown>[]): Promise<Answer> =>
    api.bulk('suite_cities', 'suite_city', message, rows);
  const elastic = (
    message: string,
    rows: Record<string, unknown>[],
    headers?: Record<string, string>,
  ): Promise<Answer> => api.bulk('suite_readings', 'suite_reading', message, rows, headers);
  const read = async (id: string) => (await api.get(`suite_cities(${id})`)).json;
  const countOf = async (code: string): Promise<number> =>
    (await api.get(`suite_cities?$filter=suite_region eq '${code}'`)).json.value.length;

  describe('CreateMultiple', () => {
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

  describe('UpdateMultiple', () => {
    it('answers 204 without body and changes the columns sent', async () => {
      const id = idOf(await api.post('suite_cities', { suite_name: 'A', suite_number: 1 }));
      const answer = await standard('UpdateMultiple', [{ suite_cityid: id, suite_number: 2 }]);
      expect([answer.status, answer.text]).toEqual([204, '']);
      expect(await read(id)).toMatchObject({ suite_name: 'A', suite_number: 2 });
    });

    it('applies the first of two items with the same key and drops the other without a word', async () => {
      const id = idOf(await api.post('suite_cities', { suite_name: 'A' }));
      const answer = await standard('UpdateMultiple', [
        { suite_cityid: id, suite_number: 1 },
        { suite_cityid: id, suite_number: 2 },
      ]);
      expect(answer.status).toBe(204);
      expect((await read(id)).suite_number).toBe(1);
    });

    it('takes everything back when a row is missing, and names it', async () => {
      const id = idOf(await api.post('suite_cities', { suite_name: 'A', suite_number: 1 }));
      const missing = randomUUID();
      const answer = await standard('UpdateMultiple', [
        { suite_cityid: id, suite_number: 2 },
        { suite_cityid: missing, suite_number: 2 },
      ]);
      expect(answer.json.error.code).toBe('0x80040217');
      expect(answer.json.error.message).toContain(missing);
      expect((await read(id)).suite_number).toBe(1);
    });

    it('refuses alternate keys', async () => {
      const answer = await standard('UpdateMultiple', [
        { '@odata.id': "suite_cities(suite_code='x')", suite_number: 2 },
      ]);
      expect(answer.status).toBe(400);
    });
  });

  describe('UpsertMultiple', () => {
    it('creates and updates by primary key, by alternate key, and creates without key', async () => {
      const [id, code, region] = [randomUUID(), unique(), unique()];
      const rows = (number: number) => [
        { suite_cityid: id, suite_name: 'A', suite_latitude: number },
        { '@odata.id': `suite_cities(suite_code='${code}')`, suite_name: 'B', suite_latitude: number },
        {
          '@odata.id': `suite_cities(suite_region='${region}',suite_number=5)`,
          suite_name: 'C',
          suite_latitude: number,
        },
      ];
      const first = await standard('UpsertMultiple', [...rows(1), { suite_name: 'D' }]);
      const second = await standard('UpsertMultiple', rows(2));
      expect([first.status, first.text, second.status]).toEqual([204, '', 204]);
      expect((await read(id)).suite_latitude).toBe(2);
      expect((await api.get(`suite_cities(suite_code='${code}')`)).json).toMatchObject({
        suite_name: 'B',
        suite_latitude: 2,
      });
      expect((await api.get(`suite_cities(suite_region='${region}',suite_number=5)`)).json.suite_latitude).toBe(2);
    });

    it('refuses the same key twice and takes everything back', async () => {
      const code = unique();
      const row = { '@odata.id': `suite_cities(suite_code='${code}')`, suite_name: 'A' };
      expect((await standard('UpsertMultiple', [row, row])).status).toBe(400);
      expect((await api.get(`suite_cities(suite_code='${code}')`)).status).toBe(404);
    });

    it('fails on the create path, and only there, when a key column stands in the body', async () => {
      const code = unique();
      const row = { '@odata.id': `suite_cities(suite_code='${code}')`, suite_code: code, suite_name: 'A' };
      expect(errorOf(await standard('UpsertMultiple', [row]))).toEqual({ status: 400, code: '0x80040216' });
      await api.post('suite_cities', { suite_name: 'A', suite_code: code });
      expect((await standard('UpsertMultiple', [row])).status).toBe(204);
    });

    it('reads a quoted key with doubled quotes and characters that a URL cannot take', async () => {
      const code = `O'H/${unique()}&?`;
      const answer = await standard('UpsertMultiple', [
        { '@odata.id': `suite_cities(suite_code='${code.replaceAll("'", "''")}')`, suite_name: 'A' },
      ]);
      expect(answer.status).toBe(204);
      const found = await api.get(
        `suite_cities?$filter=suite_code eq '${encodeURIComponent(code.replaceAll("'", "''"))}'`,
      );
      expect(found.json.value).toHaveLength(1);
    });

    it('takes everything back when one item is bad', async () => {
      const code = unique();
      const rows = [
        { '@odata.id': `suite_cities(suite_code='${code}')`, suite_name: 'A' },
        { '@odata.id': `suite_cities(suite_code='${code}2')`, suite_name: 'A', suite_kind: 77 },
      ];
      expect(errorOf(await standard('UpsertMultiple', rows))).toEqual({ status: 400, code: '0x8004431A' });
      expect((await api.get(`suite_cities(suite_code='${code}')`)).status).toBe(404);
    });
  });

  describe('DeleteMultiple', () => {
    it('does not exist on a standard table', async () => {
      const answer = await standard('DeleteMultiple', [{ suite_cityid: randomUUID() }]);
      expect(answer.json.error.message).toBe('DeleteMultiple has not yet been implemented.');
    });

    it('deletes rows of an elastic table', async () => {
      const created = await elastic('CreateMultiple', [{ suite_name: 'A' }, { suite_name: 'B' }]);
      const [first, second] = created.json.Ids as string[];
      expect((await elastic('DeleteMultiple', [{ suite_readingid: first }, { suite_readingid: second }])).status).toBe(
        204,
      );
      expect((await api.get(`suite_readings(${first})`)).status).toBe(404);
    });
  });

  describe('elastic tables', () => {
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

  describe('availability', () => {
    it.each([
      ['CreateMultiple', 'suite_city', 1],
      ['UpsertMultiple', 'suite_city', 0],
      ['DeleteMultiple', 'suite_city', 0],
      ['DeleteMultiple', 'suite_reading', 1],
    ])('of %s on %s is told by the message filters (%i)', async (message, table, count) => {
      const filter = '$filter=sdkmessageid/name eq @message and primaryobjecttypecode eq @table';
      const answer = await api.get(
        `sdkmessagefilters?$select=sdkmessagefilterid&${filter}&@message='${message}'&@table='${table}'`,
      );
      expect(answer.json.value).toHaveLength(count);
    });
  });
}
