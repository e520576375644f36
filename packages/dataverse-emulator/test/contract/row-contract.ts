/* eslint-disable @typescript-eslint/no-unsafe-argument -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorOf, idOf, WebApiClient, type Target } from '../support/web-api-client.ts';

const representation = { prefer: 'return=representation' };
const unique = (): string => randomUUID().slice(0, 8);

/** Single operations on rows, for any environment that has the suite's tables. */
export function describeRows(connect: () => Promise<Target>): void {
  let api: WebApiClient;
  beforeAll(async () => {
    api = new WebApiClient(await connect());
  });
  const city = (members: object = {}) => ({ suite_name: 'A', ...members });
  const newCity = async (members: object = {}): Promise<string> => idOf(await api.post('suite_cities', city(members)));

  describe('create', () => {
    it('answers 204 with the address of the new row in two headers', async () => {
      const answer = await api.post('suite_cities', city());
      expect(answer.status).toBe(204);
      expect(answer.text).toBe('');
      expect(answer.headers.get('odata-entityid')).toBe(`${api.root}/suite_cities(${idOf(answer)})`);
      expect(answer.headers.get('location')).toBe(answer.headers.get('odata-entityid'));
    });

    it('answers 201 with the selected columns when the representation is preferred', async () => {
      const answer = await api.post('suite_cities?$select=suite_name', city({ suite_number: 7 }), representation);
      expect(answer.status).toBe(201);
      expect(answer.headers.get('preference-applied')).toBe('return=representation');
      expect(answer.headers.get('odata-entityid')).toBeNull();
      expect(answer.json).toMatchObject({ suite_name: 'A', '@odata.etag': expect.stringMatching(/^W\/"\d+"$/) });
      expect(answer.json).not.toHaveProperty('suite_number');
      expect(answer.json['@odata.context']).toBe(`${api.root}/$metadata#suite_cities(suite_name)/$entity`);
    });

    it('keeps a primary key chosen by the client and refuses it the second time with 412', async () => {
      const id = randomUUID();
      expect(idOf(await api.post('suite_cities', city({ suite_cityid: id })))).toBe(id);
      const again = await api.post('suite_cities', city({ suite_cityid: id }));
      expect(errorOf(again)).toEqual({ status: 412, code: '0x80040237' });
    });

    it('refuses a taken alternate key with 412 and names the key', async () => {
      const code = unique();
      await api.post('suite_cities', city({ suite_code: code }));
      const again = await api.post('suite_cities', city({ suite_code: code.toUpperCase() }));
      expect(errorOf(again)).toEqual({ status: 412, code: '0x80060892' });
      expect(again.json.error.message).toContain('Entity Key suite_codekey violated');
    });

    it('does not enforce a key of which a part is null', async () => {
      const region = unique();
      expect((await api.post('suite_cities', city({ suite_region: region }))).status).toBe(204);
      expect((await api.post('suite_cities', city({ suite_region: region }))).status).toBe(204);
    });

    it('sets the system columns, and createdon from overriddencreatedon', async () => {
      const plain = await api.post('suite_cities', city(), representation);
      expect(plain.json).toMatchObject({ statecode: 0, statuscode: 1, createdon: expect.stringMatching(/T.*Z$/) });
      expect(plain.json._createdby_value).toBe(plain.json._ownerid_value);
      const old = await api.post('suite_cities', city({ overriddencreatedon: '2001-02-03' }), representation);
      expect(old.json.createdon).toBe('2001-02-03T00:00:00Z');
    });
  });

  describe('update', () => {
    it('creates the missing row of a PATCH without condition, and tells by 201 or 200 only when asked', async () => {
      const id = randomUUID();
      const created = await api.patch(`suite_cities(${id})`, city(), representation);
      const updated = await api.patch(`suite_cities(${id})`, city({ suite_number: 1 }), representation);
      const silent = await api.patch(`suite_cities(${id})`, city({ suite_number: 2 }));
      expect([created.status, updated.status, silent.status]).toEqual([201, 200, 204]);
      expect(idOf(silent)).toBe(id);
    });

    it('updates only with If-Match: * and answers 404 when the row is missing', async () => {
      const id = await newCity();
      expect((await api.patch(`suite_cities(${id})`, { suite_number: 5 }, { 'if-match': '*' })).status).toBe(204);
      const missing = await api.patch(`suite_cities(${randomUUID()})`, city(), { 'if-match': '*' });
      expect(errorOf(missing)).toEqual({ status: 404, code: '0x80040217' });
      expect(missing.json.error.message).toMatch(/^suite_city With Id = [0-9a-f-]{36} Does Not Exist$/);
    });

    it('compares the row version of If-Match', async () => {
      const id = await newCity();
      const { json } = await api.get(`suite_cities(${id})`);
      const first = await api.patch(`suite_cities(${id})`, { suite_number: 1 }, { 'if-match': json['@odata.etag'] });
      const second = await api.patch(`suite_cities(${id})`, { suite_number: 2 }, { 'if-match': json['@odata.etag'] });
      expect(first.status).toBe(204);
      expect(errorOf(second)).toEqual({ status: 412, code: '0x80060882' });
    });

    it('creates only with If-None-Match: *, and takes If-None-Match: null for nothing', async () => {
      const id = await newCity();
      const refused = await api.patch(`suite_cities(${id})`, city(), { 'if-none-match': '*' });
      expect(errorOf(refused)).toEqual({ status: 412, code: '0x80040237' });
      expect((await api.patch(`suite_cities(${id})`, city(), { 'if-none-match': 'null' })).status).toBe(204);
      expect((await api.patch(`suite_cities(${randomUUID()})`, city(), { 'if-none-match': '*' })).status).toBe(204);
    });

    it('leaves columns that were not sent as they are', async () => {
      const id = await newCity({ suite_number: 3, suite_kind: 2 });
      await api.patch(`suite_cities(${id})`, { suite_number: 4 });
      expect((await api.get(`suite_cities(${id})`)).json).toMatchObject({
        suite_name: 'A',
        suite_number: 4,
        suite_kind: 2,
      });
    });

    it('raises the row version of the environment with every write', async () => {
      const id = await newCity();
      const before = (await api.get(`suite_cities(${id})`)).json;
      await api.patch(`suite_cities(${id})`, { suite_number: 4 });
      const after = (await api.get(`suite_cities(${id})`)).json;
      expect(after.versionnumber).toBeGreaterThan(before.versionnumber);
      expect(after['@odata.etag']).toBe(`W/"${after.versionnumber}"`);
    });
  });

  describe('alternate keys', () => {
    it('copies the key of the URL into a new row and echoes the key form', async () => {
      const code = unique();
      const answer = await api.patch(`suite_cities(suite_code='${code}')`, city());
      expect(answer.status).toBe(204);
      expect(answer.headers.get('odata-entityid')).toBe(`${api.root}/suite_cities(suite_code='${code}')`);
      expect((await api.get(`suite_cities(suite_code='${code}')`)).json.suite_code).toBe(code);
    });

    it('lets the body win for a new row and ignores it for the key of an existing one', async () => {
      const [fromUrl, fromBody] = [unique(), unique()];
      await api.patch(`suite_cities(suite_code='${fromUrl}')`, city({ suite_code: fromBody }));
      expect((await api.get(`suite_cities(suite_code='${fromUrl}')`)).status).toBe(404);
      await api.patch(`suite_cities(suite_code='${fromBody}')`, { suite_code: unique(), suite_number: 9 });
      expect((await api.get(`suite_cities(suite_code='${fromBody}')`)).json.suite_number).toBe(9);
    });

    it('finds composite keys in any order, and keys with a lookup part', async () => {
      const region = unique();
      const account = idOf(await api.post('accounts', { name: 'Parent' }));
      const id = await newCity({
        suite_region: region,
        suite_number: 5,
        suite_kind: 1,
        'suite_ParentId@odata.bind': `/accounts(${account})`,
      });
      const composite = await api.get(`suite_cities(suite_number=5,suite_region='${region}')`);
      const byLookup = await api.get(`suite_cities(_suite_parentid_value=${account},suite_kind=1)`);
      expect([composite.json.suite_cityid, byLookup.json.suite_cityid]).toEqual([id, id]);
    });

    it('reads doubled quotes and percent-encoding in key values', async () => {
      const code = `O'Hara ü ${unique()}`;
      const id = await newCity({ suite_code: code });
      const answer = await api.get(`suite_cities(suite_code='${encodeURIComponent(code.replaceAll("'", "''"))}')`);
      expect(answer.json.suite_cityid).toBe(id);
    });

    it('answers 404 for key values without a row, 400 for names that are no key and for a key not yet active', async () => {
      expect(errorOf(await api.get(`suite_cities(suite_code='${unique()}')`))).toEqual({
        status: 404,
        code: '0x80060891',
      });
      expect((await api.get("suite_cities(suite_name='A')")).status).toBe(400);
      expect(errorOf(await api.get('suite_cities(suite_number=5)'))).toEqual({ status: 400, code: '0x80060890' });
    });

    it('takes the named primary key', async () => {
      const id = await newCity();
      expect((await api.get(`suite_cities(suite_cityid=${id})`)).json.suite_cityid).toBe(id);
    });
  });

  describe('delete', () => {
    it('answers 204, then 404', async () => {
      const id = await newCity();
      expect((await api.delete(`suite_cities(${id})`)).status).toBe(204);
      expect(errorOf(await api.delete(`suite_cities(${id})`))).toEqual({ status: 404, code: '0x80040217' });
    });

    it('compares the row version of If-Match', async () => {
      const id = await newCity();
      const etag = (await api.get(`suite_cities(${id})`)).json['@odata.etag'];
      expect((await api.delete(`suite_cities(${id})`, { 'if-match': 'W/"1"' })).status).toBe(412);
      expect((await api.delete(`suite_cities(${id})`, { 'if-match': etag })).status).toBe(204);
    });
  });

  describe('single column', () => {
    it('is set with PUT, read with GET and cleared with DELETE', async () => {
      const id = await newCity();
      expect((await api.send('PUT', `suite_cities(${id})/suite_number`, { value: 12 })).status).toBe(204);
      expect((await api.get(`suite_cities(${id})/suite_number`)).json.value).toBe(12);
      expect((await api.delete(`suite_cities(${id})/suite_number`)).status).toBe(204);
      expect((await api.get(`suite_cities(${id})`)).json.suite_number).toBeNull();
      expect((await api.send('PUT', `suite_cities(${randomUUID()})/suite_number`, { value: 1 })).status).toBe(404);
    });
  });

  describe('retrieve', () => {
    it('answers 304 when the version is known', async () => {
      const id = await newCity();
      const { json } = await api.get(`suite_cities(${id})`);
      expect((await api.get(`suite_cities(${id})`, { 'if-none-match': json['@odata.etag'] })).status).toBe(304);
    });

    it('expands a lookup and annotates values when asked', async () => {
      const account = idOf(await api.post('accounts', { name: 'Parent' }));
      const id = await newCity({ suite_kind: 2, 'suite_ParentId@odata.bind': `/accounts(${account})` });
      const answer = await api.get(
        `suite_cities(${id})?$select=suite_kind,_suite_parentid_value&$expand=suite_ParentId($select=name)`,
        {
          prefer: 'odata.include-annotations="*"',
        },
      );
      expect(answer.json.suite_ParentId).toMatchObject({ name: 'Parent', accountid: account });
      expect(answer.json['suite_kind@OData.Community.Display.V1.FormattedValue']).toBe('City');
      expect(answer.json['_suite_parentid_value@Microsoft.Dynamics.CRM.lookuplogicalname']).toBe('account');
    });
  });

  describe('lookups', () => {
    it('are bound in four spellings', async () => {
      const account = idOf(await api.post('accounts', { name: 'Parent' }));
      const code = unique();
      await newCity({ suite_code: code });
      for (const text of [`/accounts(${account})`, `accounts(${account})`, `${api.root}/accounts(${account})`]) {
        const answer = await api.post('suite_cities', city({ 'suite_ParentId@odata.bind': text }), representation);
        expect(answer.json._suite_parentid_value).toBe(account);
      }
      const wrongTable = await api.post(
        'suite_cities',
        city({ 'suite_ParentId@odata.bind': `/suite_cities(suite_code='${code}')` }),
      );
      expect(wrongTable.status).toBe(400);
    });

    it('are refused in the wrong case, bound to nothing, or bound to null', async () => {
      const account = idOf(await api.post('accounts', { name: 'Parent' }));
      const wrongCase = await api.post('suite_cities', city({ 'suite_parentid@odata.bind': `/accounts(${account})` }));
      const missing = await api.post(
        'suite_cities',
        city({ 'suite_ParentId@odata.bind': `/accounts(${randomUUID()})` }),
      );
      const nothing = await api.post('suite_cities', city({ 'suite_ParentId@odata.bind': null }));
      expect([wrongCase, missing, nothing].map(errorOf)).toEqual([
        { status: 400, code: '0x80048d19' },
        { status: 404, code: '0x80040217' },
        { status: 400, code: '0x80048d19' },
      ]);
    });

    it('are cleared by null, and changed through $ref', async () => {
      const account = idOf(await api.post('accounts', { name: 'Parent' }));
      const id = await newCity({ 'suite_ParentId@odata.bind': `/accounts(${account})` });
      await api.patch(`suite_cities(${id})`, { suite_ParentId: null });
      expect((await api.get(`suite_cities(${id})`)).json._suite_parentid_value).toBeNull();
      const put = await api.send('PUT', `suite_cities(${id})/suite_ParentId/$ref`, {
        '@odata.id': `${api.root}/accounts(${account})`,
      });
      expect(put.status).toBe(204);
      expect((await api.get(`suite_cities(${id})`)).json._suite_parentid_value).toBe(account);
      expect((await api.delete(`suite_cities(${id})/suite_ParentId/$ref`)).status).toBe(204);
    });

    it('of several targets have one navigation property for each', async () => {
      const account = idOf(await api.post('accounts', { name: 'Parent' }));
      const contact = await api.post(
        'contacts',
        { lastname: 'X', 'parentcustomerid_account@odata.bind': `/accounts(${account})` },
        representation,
      );
      expect(contact.json).toMatchObject({ _parentcustomerid_value: account, fullname: 'X' });
    });
  });

  describe('validation', () => {
    const cases: [string, object, string][] = [
      ['an unknown column', { suite_nothing: 1 }, '0x80048d19'],
      ['text for a number', { suite_number: '5' }, '0x80048d19'],
      ['a number for text', { suite_code: 5 }, '0x80048d19'],
      ['a fraction for a whole number', { suite_number: 1.5 }, '0x80048d19'],
      ['text that is too long', { suite_name: 'x'.repeat(21) }, '0x80044331'],
      ['a whole number out of range', { suite_number: 1000001 }, '0x8004432F'],
      ['a decimal out of range', { suite_share: 100.5 }, '0x80044330'],
      ['an unknown choice', { suite_kind: 3 }, '0x8004431A'],
      ['an unknown choice among several', { suite_tags: '1,2' }, '0x8004431A'],
      ['a date-time for a date', { suite_foundedon: '2024-05-31T10:00:00Z' }, '0x80048d19'],
      ['a date that does not exist', { suite_foundedon: '2024-02-30' }, '0x80048d19'],
      ['a date before 1753', { suite_foundedon: '1752-12-31' }, '0x80040239'],
      ['a control character', { suite_code: 'a\u0001b' }, '0x80040278'],
      ['a status of another state', { statecode: 1, statuscode: 1 }, '0x80048408'],
    ]; // prettier-ignore
    it.each(cases)('refuses %s', async (_, members, code) => {
      expect(errorOf(await api.post('suite_cities', city(members)))).toEqual({ status: 400, code });
    });

    it('refuses a body that is no JSON', async () => {
      expect(errorOf(await api.post('suite_cities', '{"suite_name":'))).toEqual({ status: 400, code: '0x80048d19' });
    });

    it('converts offsets, rounds decimals, and brings the default status of a state', async () => {
      const id = await newCity({ suite_seenat: '2024-05-31T10:00:00+02:00', suite_share: 33.337, suite_tags: '9,1' });
      await api.patch(`suite_cities(${id})`, { statecode: 1 });
      const { json } = await api.get(`suite_cities(${id})`);
      expect(json).toMatchObject({
        suite_seenat: '2024-05-31T08:00:00Z',
        suite_share: 33.34,
        suite_tags: '9,1',
        statecode: 1,
        statuscode: 2,
      });
    });

    it('takes null for a column without value', async () => {
      const id = await newCity({ suite_number: 3 });
      await api.patch(`suite_cities(${id})`, { suite_number: null });
      expect((await api.get(`suite_cities(${id})`)).json.suite_number).toBeNull();
    });
  });

  describe('addresses', () => {
    it('answers 404 for an unknown set and an unknown function, 405 for a method that does not fit', async () => {
      const unknown = await api.get('nothings');
      expect(unknown.status).toBe(404);
      expect(unknown.json.error.message).toBe("Resource not found for the segment 'nothings'.");
      expect(errorOf(await api.get('Nothing()'))).toEqual({ status: 404, code: '' });
      expect((await api.delete('suite_cities')).status).toBe(405);
    });

    it('understands v9.0 and v9.1 and no other version', async () => {
      const url = api.target.url;
      expect((await api.get(`${url}/api/data/v9.0/WhoAmI`)).status).toBe(200);
      expect((await api.get(`${url}/api/data/v9.1/WhoAmI`)).status).toBe(200);
      expect((await api.get(`${url}/api/data/v8.2/WhoAmI`)).status).toBe(400);
    });
  });
}
