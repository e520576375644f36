/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-call, @typescript-eslint/restrict-plus-operands -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { TableDefinition } from '../../../src/index.ts';
import { contract, emulatorContract } from '../../support/contract.ts';
import { errorOf, idOf, type Answer } from '../../support/web-api-client.ts';

contract('change tracking', (api) => {
  const tracked = { prefer: 'odata.track-changes' };

  it('gives changes since the last link, deletions last, and a new link each time', async () => {
    const doomed = idOf(await api.post('suite_cities', { suite_name: 'Doomed' }));
    const first = await api.get('suite_cities?$select=suite_name', tracked);
    expect(first.headers.get('preference-applied')).toBe('odata.track-changes');
    const fresh = idOf(await api.post('suite_cities', { suite_name: 'Fresh' }));
    await api.delete(`suite_cities(${doomed})`);
    const delta = await api.get(first.json['@odata.deltaLink']);
    expect(
      delta.json.value.map((item: Record<string, string>) => item['suite_cityid'] ?? `${item['id']} ${item['reason']}`),
    ).toEqual([fresh, `${doomed} deleted`]);
    expect(delta.json['@odata.context']).toMatch(/#suite_cities\(suite_name\)\/\$delta$/);
    const nothing = await api.get(delta.json['@odata.deltaLink']);
    expect(nothing.json.value).toEqual([]);
  });

  it('pages through first walk and delta, with the link on the last page only', async () => {
    const paged = { prefer: 'odata.track-changes,odata.maxpagesize=4' };
    const follow = async (url: string): Promise<{ rows: number; link: string }> => {
      let [next, rows] = [url, 0];
      for (;;) {
        const page = await api.get(next, paged);
        rows += page.json.value.length;
        if (page.json['@odata.deltaLink'] !== undefined) return { rows, link: page.json['@odata.deltaLink'] };
        next = page.json['@odata.nextLink'];
      }
    };
    const start = await follow('suite_cities?$select=suite_name');
    const rows = Array.from({ length: 9 }, () => ({ suite_name: 'Later' }));
    await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', rows);
    expect((await follow(start.link)).rows).toBe(9);
    // A client that forgets its preference on the way is still on the same walk.
    const first = await api.get('suite_cities?$select=suite_name', paged);
    const second = await api.get(first.json['@odata.nextLink']);
    expect(second.json['@odata.deltaLink']).toEqual(expect.any(String));
  });

  it('brings what changes during the first walk with the first delta', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) ids.push(idOf(await api.post('suite_cities', { suite_name: 'Walk' })));
    const first = await api.get('suite_cities?$select=suite_name', {
      prefer: 'odata.track-changes,odata.maxpagesize=2',
    });
    for (const id of ids) await api.patch(`suite_cities(${id})`, { suite_name: 'Changed' });
    let page = first;
    while (page.json['@odata.nextLink'] !== undefined) page = await api.get(page.json['@odata.nextLink'], tracked);
    const delta = await api.get(page.json['@odata.deltaLink']);
    expect(delta.json.value.map((row: Record<string, string>) => row['suite_cityid'])).toEqual(ids);
  });

  it('is refused with options it cannot take, on other tables, and with a token that is none', async () => {
    const filtered = await api.get('suite_cities?$filter=suite_number eq 1', tracked);
    expect(filtered.json.error.message).toBe(
      'The "$filter" query parameter isn\'t supported when Change Tracking is enabled.',
    );
    expect(errorOf(await api.get('suite_readings', tracked))).toEqual({ status: 400, code: '0x80072491' });
    expect((await api.get('suite_cities?$deltatoken=nonsense')).status).toBe(400);
  });

  it('gives changes in the order of their row versions, those of the reader itself included, and counts them', async () => {
    const [first, second] = [
      idOf(await api.post('suite_cities', { suite_name: 'A' })),
      idOf(await api.post('suite_cities', { suite_name: 'B' })),
    ];
    const start = await api.get('suite_cities?$select=suite_name', tracked);
    await api.patch(`suite_cities(${second})`, { suite_number: 1 });
    await api.patch(`suite_cities(${first})`, { suite_number: 1 });
    const link: string = start.json['@odata.deltaLink'];
    const delta = await api.get(link);
    expect(delta.json.value.map((row: Record<string, string>) => row['suite_cityid'])).toEqual([second, first]);
    const token = /\$deltatoken=(.*)$/.exec(link)?.[1] ?? '';
    expect((await api.get(`suite_cities/$count?$deltatoken=${token}`)).text).toBe('2');
  });

  it('tells a row that went several times once, and one that came back as a row', async () => {
    const start = await api.get('suite_cities?$select=suite_name', tracked);
    const [gone, back] = [randomUUID(), randomUUID()];
    for (const suite_cityid of [gone, gone, back]) {
      await api.post('suite_cities', { suite_cityid, suite_name: 'A' });
      await api.delete(`suite_cities(${suite_cityid})`);
    }
    await api.post('suite_cities', { suite_cityid: back, suite_name: 'B' });
    const delta = await api.get(start.json['@odata.deltaLink']);
    expect(delta.json.value).toEqual([
      expect.objectContaining({ suite_cityid: back, suite_name: 'B' }),
      expect.objectContaining({ id: gone, reason: 'deleted' }),
    ]);
    expect(delta.headers.get('preference-applied')).toBeNull();
  });

  it('asks for a full walk when the token is of a version that has not been reached', async () => {
    const { json } = await api.get('suite_cities?$select=suite_name', tracked);
    const link = (json['@odata.deltaLink'] as string).replace(/deltatoken=\d+/, 'deltatoken=99999999999');
    expect(errorOf(await api.get(link))).toEqual({ status: 400, code: '0x80044352' });
  });

  it('tells a row that came and went in between as deleted', async () => {
    const start = await api.get('suite_cities?$select=suite_name', tracked);
    const id = idOf(await api.post('suite_cities', { suite_name: 'A' }));
    await api.delete(`suite_cities(${id})`);
    const delta = await api.get(start.json['@odata.deltaLink']);
    expect(delta.json.value).toEqual([
      { '@odata.context': `${api.root}/$metadata#suite_cities/$deletedEntity`, id, reason: 'deleted' },
    ]);
  });
});

emulatorContract('change tracking with tokens that expire', {}, ({ api, emulator }) => {
  it('asks for a full walk when the token is too old', async () => {
    const { json } = await api.get('suite_cities?$select=suite_name', { prefer: 'odata.track-changes' });
    expect((await api.get(json['@odata.deltaLink'])).status).toBe(200);
    emulator().changeSettings({ deltaTokenLifetimeSeconds: 0 });
    await expect
      .poll(async () => errorOf(await api.get(json['@odata.deltaLink'])), { timeout: 5000 })
      .toEqual({ status: 400, code: '0x80044352' });
  });
});

const events: TableDefinition = {
  logicalName: 'suite_event',
  schemaName: 'suite_Event',
  entitySetName: 'suite_events',
  primaryIdColumn: 'suite_eventid',
  primaryNameColumn: 'suite_name',
  tableType: 'Elastic',
  changeTracking: true,
  columns: [{ logicalName: 'suite_name', schemaName: 'suite_Name', type: 'String' }],
  keys: [],
};

emulatorContract('change tracking of an elastic table', { schema: [{ tables: [events] }] }, ({ api }) => {
  it('walks through rows in partitions once', async () => {
    const suite_eventid = randomUUID();
    for (const partitionid of ['a', 'b', 'c', 'd', 'e']) await api.post('suite_events', { suite_eventid, partitionid });
    const prefer = 'odata.track-changes,odata.maxpagesize=2';
    const seen: string[] = [];
    let next: string | undefined = 'suite_events?$select=partitionid';
    while (next !== undefined) {
      const page: Answer = await api.get(next, { prefer });
      seen.push(...page.json.value.map((row: { partitionid: string }) => row.partitionid));
      next = page.json['@odata.nextLink'];
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});
