/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-call -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract, emulatorContract } from '../../support/contract.ts';
import { errorOf, type Answer } from '../../support/web-api-client.ts';

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

  it('keep rows apart that have the same id in different partitions', async () => {
    const id = randomUUID();
    const inPartition = (partition: string) => `suite_readings(suite_readingid=${id},partitionid='${partition}')`;
    await elastic('CreateMultiple', [
      { suite_readingid: id, partitionid: 'p1', suite_name: 'one' },
      { suite_readingid: id, partitionid: 'p2', suite_name: 'two' },
    ]);
    const again = await api.post('suite_readings', { suite_readingid: id, partitionid: 'p1' });
    expect(errorOf(again)).toEqual({ status: 412, code: '0x80040237' });
    expect((await api.get(inPartition('p1'))).json.suite_name).toBe('one');
    expect((await api.get(`suite_readings(${id})?partitionId=p2`)).json.suite_name).toBe('two');
    expect((await api.get(`suite_readings(${id})`)).status).toBe(404);
    expect((await api.delete(`suite_readings(${id})?partitionId=p2`)).status).toBe(204);
    expect((await api.get(inPartition('p1'))).status).toBe(200);
  });

  it('are addressed by id and partition, in answers and in bulk messages', async () => {
    const id = randomUUID();
    const created = await api.post('suite_readings', { suite_readingid: id, partitionid: 'd-1' });
    const address = `suite_readings(suite_readingid=${id},partitionid='d-1')`;
    expect(created.headers.get('odata-entityid')).toBe(`${api.root}/${address}`);
    await elastic('UpsertMultiple', [{ '@odata.id': address, suite_value: 1 }]);
    await elastic('UpdateMultiple', [{ suite_readingid: id, partitionid: 'd-1', suite_name: 'U' }]);
    expect((await api.get(address)).json).toMatchObject({ suite_value: 1, suite_name: 'U', partitionid: 'd-1' });
    expect((await elastic('DeleteMultiple', [{ suite_readingid: id, partitionid: 'd-1' }])).status).toBe(204);
    expect((await api.get(address)).status).toBe(404);
  });

  it('stay in their partition, whatever a body says', async () => {
    const id = randomUUID();
    const address = `suite_readings(suite_readingid=${id},partitionid='d-1')`;
    await api.post('suite_readings', { suite_readingid: id, partitionid: 'd-1' });
    await api.patch(address, { suite_name: 'A', partitionid: 'd-2' }, { 'if-match': '*' });
    await api.patch(address, { suite_name: 'B', partitionid: 'd-2' });
    await elastic('UpsertMultiple', [{ '@odata.id': address, suite_value: 3, partitionid: 'd-2' }]);
    expect((await api.get(address)).json).toMatchObject({ suite_value: 3, partitionid: 'd-1' });
    expect((await api.get(`suite_readings/$count?$filter=suite_readingid eq ${id}`)).text).toBe('1');
  });

  it('have the key of id and partition in their metadata', async () => {
    const { json } = await api.get("EntityDefinitions(LogicalName='suite_reading')?$select=TableType&$expand=Keys");
    expect(json.TableType).toBe('Elastic');
    expect(json.Keys).toContainEqual(
      expect.objectContaining({
        SchemaName: 'KeyForNoSqlEntityWithPKPartitionId',
        KeyAttributes: ['suite_readingid', 'partitionid'],
      }),
    );
  });

  it('have an ETag that is no number, and compare it', async () => {
    const { json } = await api.post('suite_readings', { suite_name: 'A' }, { prefer: 'return=representation' });
    const etag = json['@odata.etag'];
    const row = `suite_readings(${json.suite_readingid})`;
    expect(etag).toMatch(/^W\/"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"$/);
    expect((await api.patch(row, { suite_value: 1 }, { 'if-match': etag })).status).toBe(204);
    expect((await api.patch(row, { suite_value: 2 }, { 'if-match': etag })).status).toBe(412);
  });

  it('answer writes with a session token, but not deletions', async () => {
    const id = randomUUID();
    const created = await api.post('suite_readings', { suite_readingid: id });
    const bulk = await elastic('UpsertMultiple', [{ suite_readingid: id, suite_value: 1 }]);
    const deleted = await api.delete(`suite_readings(${id})`);
    const tokens = [created, bulk, deleted].map(({ headers }) => headers.get('x-ms-session-token'));
    expect(tokens).toEqual([expect.stringMatching(/^\d+:\d+#\d+#/), expect.stringMatching(/#/), null]);
    expect((await api.post('accounts', { name: 'A' })).headers.get('x-ms-session-token')).toBeNull();
  });
});

emulatorContract('elastic tables of the emulator', {}, ({ api, emulator }) => {
  it('show a write at once to who sends its session token, and to others after the lag', async () => {
    emulator().changeSettings({ elasticReadLagMs: 400 });
    const id = randomUUID();
    const created = await api.post('suite_readings', { suite_readingid: id, suite_name: 'A' });
    const token = { 'mscrm.sessiontoken': created.headers.get('x-ms-session-token') ?? '' };
    const row = `suite_readings(${id})`;
    const list = `suite_readings?$filter=suite_readingid eq ${id}`;
    expect([(await api.get(row)).status, (await api.get(list)).json.value.length]).toEqual([404, 0]);
    expect([(await api.get(row, token)).status, (await api.get(list, token)).json.value.length]).toEqual([200, 1]);
    await expect.poll(async () => (await api.get(row)).status).toBe(200);
    await api.patch(row, { suite_name: 'B' }, { 'if-match': '*' });
    expect((await api.get(row, token)).json.suite_name).toBe('A');
    await expect.poll(async () => (await api.get(row)).json.suite_name).toBe('B');
  });

  it('show every row once from page to page, new ones and deleted ones as they were before', async () => {
    const ids = Array.from({ length: 5 }, (_, index) => `00000000-0000-4000-8000-00000000000${index}`);
    for (const suite_readingid of ids) await api.post('suite_readings', { suite_readingid, suite_name: 'old' });
    emulator().changeSettings({ elasticReadLagMs: 60_000 });
    for (const id of ids.slice(0, 3)) await api.patch(`suite_readings(${id})`, { suite_name: 'new' });
    await api.delete(`suite_readings(${ids[3]})`);
    await api.post('suite_readings', { suite_name: 'old', partitionid: 'unseen' });
    const seen: string[] = [];
    let next: string | undefined = "suite_readings?$filter=suite_name eq 'old'";
    while (next !== undefined) {
      const page: Answer = await api.get(next, { prefer: 'odata.maxpagesize=2' });
      seen.push(...page.json.value.map((row: { suite_readingid: string }) => row.suite_readingid));
      next = page.json['@odata.nextLink'];
    }
    expect(seen).toEqual(ids);
  });

  it('lose rows whose time to live has passed since their last write', async () => {
    const [mortal, lasting] = [randomUUID(), randomUUID()];
    await api.post('suite_readings', { suite_readingid: mortal, ttlinseconds: 1 });
    await api.post('suite_readings', { suite_readingid: lasting });
    expect((await api.get(`suite_readings(${mortal})`)).status).toBe(200);
    await expect.poll(async () => (await api.get(`suite_readings(${mortal})`)).status, { timeout: 5000 }).toBe(404);
    expect((await api.get(`suite_readings(${lasting})`)).status).toBe(200);
    expect(emulator().database.table('suite_reading')?.get(mortal)).toBeUndefined();
  });
});
