import { randomUUID } from 'node:crypto';
import { DynamicsWebApi, type RequestError, type RetrieveMultipleRequest } from 'dynamics-web-api';
import { beforeAll, expect, it } from 'vitest';
import { contract } from '../support/contract.ts';
import type { WebApiClient } from '../support/web-api-client.ts';

/** A client that others wrote (npm: dynamics-web-api), as it comes: its own URLs, headers, batch format and parsers. */
function connect({ target }: WebApiClient): DynamicsWebApi {
  return new DynamicsWebApi({
    serverUrl: target.url,
    dataApi: { version: '9.2' },
    onTokenRefresh: () => target.getToken(),
  });
}

interface City {
  readonly suite_cityid: string;
  readonly suite_name: string;
  readonly suite_number: number | null;
  readonly '@odata.etag'?: string;
}

/** An item of a delta: a row, or the mark of a deleted one. */
interface Change {
  readonly suite_cityid?: string;
  readonly id?: string;
  readonly reason?: string;
}
const collection = 'suite_cities';
const select = ['suite_name', 'suite_number'];

let api: DynamicsWebApi;
const create = (data: Record<string, unknown>) => api.create<Record<string, unknown>, string>({ collection, data });
const read = (key: string) => api.retrieve<City>({ collection, key, select });

function suite(name: string, tests: () => void): void {
  contract(name, (client) => {
    beforeAll(() => {
      api = connect(client);
    });
    tests();
  });
}

async function refusal(request: Promise<unknown>): Promise<RequestError> {
  return request.then(
    () => {
      throw new Error('The request was expected to be refused.');
    },
    (error: unknown) => error as RequestError,
  );
}

suite('dynamics-web-api, unchanged', () => {
  it('finds out who it is', async () => {
    const who = await api.callFunction<{ UserId: string }>({ name: 'WhoAmI' });
    expect(who.UserId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('creates and reads', async () => {
    const id = await create({ suite_name: 'Bern', suite_number: 1 });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await read(id)).toMatchObject({ suite_name: 'Bern', suite_number: 1, suite_cityid: id });
    const data = { suite_name: 'Basel', suite_number: 2 };
    const shown = await api.create<object, City>({ collection, data, select, returnRepresentation: true });
    expect(shown).toMatchObject(data);
    expect(await read(shown.suite_cityid)).toMatchObject(data);
  });

  it('updates, with or without a row version', async () => {
    const id = await create({ suite_name: 'Zug' });
    await api.update({ collection, key: id, data: { suite_name: 'Zug (ZG)' } });
    const before = await read(id);
    expect(before.suite_name).toBe('Zug (ZG)');
    const ifmatch = before['@odata.etag'] ?? '';
    await api.update({ collection, key: id, data: { suite_number: 5 }, ifmatch });
    // The library reports a lost race of versions as false.
    expect(await api.update({ collection, key: id, data: { suite_number: 6 }, ifmatch })).toBe(false);
    await api.updateSingleProperty({ collection, key: id, fieldValuePair: { suite_number: 7 } });
    expect((await read(id)).suite_number).toBe(7);
    const ghost = await refusal(api.update({ collection, key: randomUUID(), data: { suite_name: 'Ghost' } }));
    expect({ status: ghost.status, code: ghost.code }).toEqual({ status: 404, code: '0x80040217' });
  });

  it('upserts by id and by alternate key, and may forbid either half', async () => {
    const id = randomUUID();
    await api.upsert({ collection, key: id, data: { suite_name: 'Chur' } });
    await api.upsert({ collection, key: id, data: { suite_number: 3 } });
    expect(await read(id)).toMatchObject({ suite_name: 'Chur', suite_number: 3 });
    const byCode = `suite_code='${id.slice(0, 8)}'`;
    await api.upsert({ collection, key: byCode, data: { suite_name: 'Thun' } });
    expect((await read(byCode)).suite_name).toBe('Thun');
    expect(await api.upsert({ collection, key: id, data: { suite_name: 'No' }, ifnonematch: '*' })).toBeNull();
    const missing = randomUUID();
    expect(await api.upsert({ collection, key: missing, data: { suite_name: 'No' }, ifmatch: '*' })).toBeNull();
    expect((await refusal(read(missing))).status).toBe(404);
  });

  it('binds, associates and expands lookups', async () => {
    const account = await api.create<object, string>({ collection: 'accounts', data: { name: 'Cantons' } });
    const id = await create({ suite_name: 'Sion', 'suite_ParentId@odata.bind': `/accounts(${account})` });
    const expand = [{ property: 'suite_ParentId', select: ['name'] }];
    const shown = await api.retrieve<{ suite_ParentId: { name: string } | null }>({
      collection,
      key: id,
      select,
      expand,
    });
    expect(shown.suite_ParentId?.name).toBe('Cantons');
    await api.disassociateSingleValued({ collection, primaryKey: id, navigationProperty: 'suite_ParentId' });
    const single = {
      collection,
      primaryKey: id,
      navigationProperty: 'suite_ParentId',
      relatedCollection: 'accounts',
      relatedKey: account,
    };
    await api.associateSingleValued(single);
    const filter = `_suite_parentid_value eq ${account}`;
    const { value } = await api.retrieveMultiple<City>({ collection, select, filter });
    expect(value.map((city) => city.suite_cityid)).toEqual([id]);
  });

  it('deletes rows and single values', async () => {
    const id = await create({ suite_name: 'Gone', suite_number: 4 });
    await api.deleteRecord({ collection, key: id, property: 'suite_number' });
    expect((await read(id)).suite_number).toBeNull();
    await api.deleteRecord({ collection, key: id });
    expect(await refusal(api.deleteRecord({ collection, key: id }))).toMatchObject({
      status: 404,
      code: '0x80040217',
    });
  });

  it('sends bulk messages as bound actions', async () => {
    const Targets = [1, 2, 3].map((n) => ({
      '@odata.type': 'Microsoft.Dynamics.CRM.suite_city',
      suite_name: `Bulk ${n}`,
    }));
    const actionName = 'Microsoft.Dynamics.CRM.CreateMultiple';
    const { Ids } = await api.callAction<{ Ids: string[] }>({ collection, actionName, action: { Targets } });
    expect((await Promise.all(Ids.map(read))).map(({ suite_name }) => suite_name)).toEqual([
      'Bulk 1',
      'Bulk 2',
      'Bulk 3',
    ]);
  });

  it('reads metadata', async () => {
    const key = "LogicalName='suite_city'";
    const table = await api.retrieveEntity<{ EntitySetName: string }>({ key, select: ['EntitySetName'] });
    expect(table.EntitySetName).toBe(collection);
    const { value } = await api.retrieveAttributes<{ LogicalName: string }>({ entityKey: key });
    expect(value.map(({ LogicalName }) => LogicalName)).toContain('suite_number');
  });
});

suite('batches of dynamics-web-api', () => {
  it('bring every answer in order: change set, references by content id, reads', async () => {
    const suite_name = randomUUID().slice(0, 8);
    await create({ suite_name });
    api.startBatch();
    void api.create({ collection: 'accounts', data: { name: 'Batch' }, contentId: '1' });
    void create({ suite_name: 'In batch', 'suite_ParentId@odata.bind': '$1' });
    void api.retrieveMultiple<City>({
      collection,
      select,
      filter: `suite_name eq '${suite_name}'`,
      inChangeSet: false,
    });
    const [account, city, found] = (await api.executeBatch()) as [string, string, { value: City[] }];
    expect([account, city]).toEqual([
      expect.stringMatching(/^[0-9a-f-]{36}$/),
      expect.stringMatching(/^[0-9a-f-]{36}$/),
    ]);
    expect(found.value.map((row) => row.suite_name)).toEqual([suite_name]);
    const filter = `_suite_parentid_value eq ${account}`;
    const { value } = await api.retrieveMultiple<City>({ collection, select, filter });
    expect(value.map(({ suite_cityid }) => suite_cityid)).toEqual([city]);
  });

  it('take back a change set of which one operation fails', async () => {
    const id = randomUUID();
    api.startBatch();
    void api.create({ collection, data: { suite_cityid: id, suite_name: 'Fine' } });
    void api.create({ collection, data: { suite_name: 'much longer than twenty characters' } });
    // It throws a list, one error for each failed part, with the service's error as a member.
    const failures = (await refusal(api.executeBatch())) as unknown;
    expect(failures).toMatchObject([{ status: 400, error: { code: '0x80044331' } }]);
    expect((await refusal(read(id))).status).toBe(404);
  });
});

suite('lists of dynamics-web-api', () => {
  const region = randomUUID().slice(0, 8);
  const request: RetrieveMultipleRequest = {
    collection,
    select: ['suite_number'],
    filter: `suite_region eq '${region}'`,
    orderBy: ['suite_number'],
    maxPageSize: 3,
  };
  beforeAll(async () => {
    for (let n = 1; n <= 7; n += 1) await create({ suite_name: 'Page', suite_region: region, suite_number: n });
  });

  it('come page by page, or all together', async () => {
    const seen: (number | null)[] = [];
    let pages = 0;
    for (let link: string | undefined; pages === 0 || link !== undefined; pages += 1) {
      const page = await api.retrieveMultiple<City>(request, link);
      seen.push(...page.value.map(({ suite_number }) => suite_number));
      link = page.oDataNextLink;
    }
    expect([pages, seen]).toEqual([3, [1, 2, 3, 4, 5, 6, 7]]);
    expect((await api.retrieveAll<City>(request)).value).toHaveLength(7);
  });

  it('are counted', async () => {
    expect(await api.count({ collection, filter: `suite_region eq '${region}'` })).toBe(7);
  });

  it('follow delta links through changes and deletions', async () => {
    const tracked: RetrieveMultipleRequest = { collection, select: ['suite_name'], trackChanges: true };
    const first = await api.retrieveMultiple<City>(tracked);
    expect(first.oDataDeltaLink).toBeDefined();
    const kept = await create({ suite_name: 'New one' });
    const doomed = first.value[0]!.suite_cityid;
    await api.deleteRecord({ collection, key: doomed });
    const changes = await api.retrieveMultiple<Change>(tracked, first.oDataDeltaLink);
    expect(changes.value.map((item) => item.suite_cityid ?? `${item.id} ${item.reason}`)).toEqual([
      kept,
      `${doomed} deleted`,
    ]);
    const nothing = await api.retrieveMultiple<City>(tracked, changes.oDataDeltaLink);
    expect(nothing.value).toEqual([]);
  });
});
