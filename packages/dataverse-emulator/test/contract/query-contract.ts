/* eslint-disable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-call, @typescript-eslint/restrict-plus-operands -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorOf, idOf, WebApiClient, type Target } from '../support/web-api-client.ts';

/** Queries, paging, counts, change tracking, metadata and functions. */
export function describeQueries(connect: () => Promise<Target>): void {
  let api: WebApiClient;
  const region = randomUUID().slice(0, 8);
  const mine = `$filter=suite_region eq '${region}'`;
  beforeAll(async () => {
    api = new WebApiClient(await connect());
    const rows = Array.from({ length: 7 }, (_, index) => ({
      suite_name: `City ${index}`,
      suite_region: region,
      suite_number: index,
      suite_kind: (index % 2) + 1,
      suite_foundedon: `200${index}-01-01`,
    }));
    expect((await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', rows)).status).toBe(200);
  });
  const numbers = async (query: string): Promise<number[]> =>
    (await api.get(`suite_cities?$select=suite_number&$orderby=suite_number&${query}`)).json.value.map(
      (row: { suite_number: number }) => row.suite_number,
    );

  describe('filter', () => {
    it.each([
      ['suite_number eq 3', [3]],
      ['suite_number gt 4 or suite_number eq 0', [0, 5, 6]],
      ['not (suite_number ge 1)', [0]],
      ['suite_kind eq 2 and suite_number lt 4', [1, 3]],
      ["contains(suite_name,'Y 2')", [2]],
      ["startswith(suite_name,'City') and endswith(suite_name,'6')", [6]],
      ['suite_foundedon ge 2005-01-01', [5, 6]],
      ['suite_latitude eq null and suite_number le 1', [0, 1]],
      ["Microsoft.Dynamics.CRM.In(PropertyName='suite_number',PropertyValues=['1','2'])", [1, 2]],
    ])('%s', async (filter, expected) => {
      expect(await numbers(`$filter=suite_region eq '${region}' and (${encodeURIComponent(filter)})`)).toEqual(
        expected,
      );
    });

    it('takes parameter aliases, and paths through a lookup', async () => {
      const account = idOf(await api.post('accounts', { name: region }));
      const city = { suite_name: 'Child', suite_number: 99, 'suite_ParentId@odata.bind': `/accounts(${account})` };
      await api.post('suite_cities', city);
      expect(await numbers(`$filter=suite_ParentId/name eq @name&@name='${region}'`)).toEqual([99]);
      expect(await numbers(`$filter=_suite_parentid_value eq ${account}`)).toEqual([99]);
    });

    it('refuses unknown columns and broken syntax', async () => {
      expect((await api.get('suite_cities?$filter=suite_nothing eq 1')).status).toBe(400);
      expect((await api.get('suite_cities?$filter=suite_number eq')).status).toBe(400);
      expect((await api.get('suite_cities?$select=suite_nothing')).status).toBe(400);
      expect((await api.get('suite_cities?$skip=5')).status).toBe(400);
    });
  });

  describe('paging', () => {
    const walk = async (
      first: string,
      between: () => Promise<unknown> = () => Promise.resolve(),
    ): Promise<number[]> => {
      const seen: number[] = [];
      let next: string | undefined = first;
      while (next !== undefined) {
        const page = await api.get(next, { prefer: 'odata.maxpagesize=3' });
        expect(page.headers.get('preference-applied')).toBe('odata.maxpagesize=3');
        seen.push(...page.json.value.map((row: { suite_number: number }) => row.suite_number));
        next = page.json['@odata.nextLink'];
        await between();
      }
      return seen;
    };

    it('follows next links through every row once, ordered or not', async () => {
      expect(await walk(`suite_cities?${mine}&$orderby=suite_number desc`)).toEqual([6, 5, 4, 3, 2, 1, 0]);
      expect((await walk(`suite_cities?${mine}`)).sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    });

    it('does not repeat rows when one is inserted before the page', async () => {
      const other = randomUUID().slice(0, 8);
      const row = (number: number) => ({ suite_name: 'A', suite_region: other, suite_number: number });
      await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', [10, 11, 12, 13, 14].map(row));
      let next = 9;
      const seen = await walk(`suite_cities?$filter=suite_region eq '${other}'&$orderby=suite_number`, () =>
        api.post('suite_cities', row(next--)),
      );
      expect(seen).toEqual([10, 11, 12, 13, 14]);
    });

    it('takes $top, but not together with a page size', async () => {
      expect(await numbers(`${mine}&$top=2`)).toEqual([0, 1]);
      const both = await api.get(`suite_cities?${mine}&$top=2`, { prefer: 'odata.maxpagesize=3' });
      expect(both.json.value).toHaveLength(3);
    });

    it('has a next link that shows a paging cookie', async () => {
      const page = await api.get(`suite_cities?${mine}`, { prefer: 'odata.maxpagesize=3' });
      expect(decodeURIComponent(page.json['@odata.nextLink'])).toMatch(
        /\$skiptoken=<cookie pagenumber="2" pagingcookie=".*" istracking="False" \/>$/,
      );
    });
  });

  describe('counts', () => {
    it('come with $count=true, as plain text, and as totals per table', async () => {
      const counted = await api.get(`suite_cities?${mine}&$count=true&$top=1`, {
        prefer: 'odata.include-annotations="*"',
      });
      expect(counted.json['@odata.count']).toBe(7);
      expect(counted.json['@Microsoft.Dynamics.CRM.totalrecordcount']).toBe(7);
      const plain = await api.get(`suite_cities/$count?${mine}`);
      expect([plain.headers.get('content-type'), plain.text]).toEqual(['text/plain', '7']);
      const total = await api.get(`RetrieveTotalRecordCount(EntityNames=['suite_city'])`);
      expect(total.json.EntityRecordCountCollection.Keys).toEqual(['suite_city']);
      expect(total.json.EntityRecordCountCollection.Values[0]).toBeGreaterThanOrEqual(7);
    });
  });

  describe('change tracking', () => {
    const tracked = { prefer: 'odata.track-changes' };

    it('gives changes since the last link, deletions last, and a new link each time', async () => {
      const doomed = idOf(await api.post('suite_cities', { suite_name: 'Doomed' }));
      const first = await api.get('suite_cities?$select=suite_name', tracked);
      expect(first.headers.get('preference-applied')).toBe('odata.track-changes');
      const fresh = idOf(await api.post('suite_cities', { suite_name: 'Fresh' }));
      await api.delete(`suite_cities(${doomed})`);
      const delta = await api.get(first.json['@odata.deltaLink']);
      expect(
        delta.json.value.map(
          (item: Record<string, string>) => item['suite_cityid'] ?? `${item['id']} ${item['reason']}`,
        ),
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
    });

    it('is refused with options it cannot take, on other tables, and with a token that is none', async () => {
      const filtered = await api.get('suite_cities?$filter=suite_number eq 1', tracked);
      expect(filtered.json.error.message).toBe(
        'The "$filter" query parameter isn\'t supported when Change Tracking is enabled.',
      );
      expect(errorOf(await api.get('suite_readings', tracked))).toEqual({ status: 400, code: '0x80072491' });
      expect((await api.get('suite_cities?$deltatoken=nonsense')).status).toBe(400);
    });
  });

  describe('functions', () => {
    it('tell who calls, the version and the organization, with and without parentheses', async () => {
      const who = await api.get('WhoAmI');
      expect((await api.get('WhoAmI()')).json).toEqual(who.json);
      expect(who.json).toMatchObject({
        UserId: expect.any(String),
        BusinessUnitId: expect.any(String),
        OrganizationId: expect.any(String),
      });
      expect((await api.get(`systemusers(${who.json.UserId})`)).status).toBe(200);
      expect((await api.get('RetrieveVersion()')).json.Version).toMatch(/^9\.2\./);
    });
  });

  describe('metadata', () => {
    it('describes a table with columns, keys and lookups', async () => {
      const select = '$select=LogicalName,EntitySetName,PrimaryIdAttribute,TableType';
      const expand =
        '$expand=Attributes($select=LogicalName,AttributeType,RequiredLevel),Keys($select=LogicalName,KeyAttributes,EntityKeyIndexStatus),ManyToOneRelationships($select=ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName)';
      const { json } = await api.get(`EntityDefinitions(LogicalName='suite_city')?${select}&${expand}`);
      expect(json).toMatchObject({
        LogicalName: 'suite_city',
        EntitySetName: 'suite_cities',
        PrimaryIdAttribute: 'suite_cityid',
        TableType: 'Standard',
      });
      expect(json.MetadataId).toBeDefined();
      expect(json).not.toHaveProperty('SchemaName');
      const name = json.Attributes.find((column: { LogicalName: string }) => column.LogicalName === 'suite_name');
      expect(name).toMatchObject({
        '@odata.type': '#Microsoft.Dynamics.CRM.StringAttributeMetadata',
        AttributeType: 'String',
        RequiredLevel: { Value: 'ApplicationRequired' },
      });
      expect(name).not.toHaveProperty('MaxLength');
      expect(json.Keys).toContainEqual(
        expect.objectContaining({
          LogicalName: 'suite_codekey',
          KeyAttributes: ['suite_code'],
          EntityKeyIndexStatus: 'Active',
        }),
      );
      expect(json.ManyToOneRelationships).toContainEqual(
        expect.objectContaining({
          ReferencingAttribute: 'suite_parentid',
          ReferencedEntity: 'account',
          ReferencingEntityNavigationPropertyName: 'suite_ParentId',
        }),
      );
    });

    it('shows typed members through a cast, and option sets when expanded', async () => {
      const columns = "EntityDefinitions(LogicalName='suite_city')/Attributes";
      const text = await api.get(
        `${columns}/Microsoft.Dynamics.CRM.StringAttributeMetadata?$select=LogicalName,MaxLength`,
      );
      expect(text.json.value).toContainEqual(expect.objectContaining({ LogicalName: 'suite_name', MaxLength: 20 }));
      const choices = await api.get(
        `${columns}/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet,GlobalOptionSet`,
      );
      expect(choices.json.value[0].OptionSet.Options[1]).toMatchObject({
        Value: 2,
        Label: { UserLocalizedLabel: { Label: 'City' } },
      });
      const one = await api.get(
        `${columns}(LogicalName='suite_number')/Microsoft.Dynamics.CRM.IntegerAttributeMetadata?$select=MaxValue`,
      );
      expect(one.json.MaxValue).toBe(1000000);
    });

    it('finds a table by its set name, columns by type, and answers 404 for an unknown table', async () => {
      const bySet = await api.get("EntityDefinitions?$filter=EntitySetName eq 'suite_cities'&$select=LogicalName");
      expect(bySet.json.value.map((table: { LogicalName: string }) => table.LogicalName)).toEqual(['suite_city']);
      const byType = await api.get(
        "EntityDefinitions(LogicalName='suite_city')/Attributes?$select=LogicalName&$filter=AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'",
      );
      expect(byType.json.value.map((column: { LogicalName: string }) => column.LogicalName)).toEqual(['suite_kind']);
      expect((await api.get("EntityDefinitions(LogicalName='suite_nothing')")).status).toBe(404);
    });
  });
}
