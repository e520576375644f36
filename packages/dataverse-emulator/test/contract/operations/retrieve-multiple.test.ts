/* eslint-disable @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-call -- bodies of answers have no static type; the assertions check them */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { errorOf, idOf, type Answer } from '../../support/web-api-client.ts';

contract('retrieve several', (api) => {
  const region = randomUUID().slice(0, 8);
  const mine = `$filter=suite_region eq '${region}'`;
  beforeAll(async () => {
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

    it.each([
      "suite_number eq 'x'",
      'suite_name gt 5',
      "statecode eq '0'",
      "suite_active eq 'true'",
      'suite_seenat ge 5',
      "suite_cityid eq 'x'",
      "contains(suite_number,'5')",
      'suite_name and suite_active',
    ])('refuses %s, whose types do not fit', async (filter) => {
      const answer = await api.get(`suite_cities?$filter=${encodeURIComponent(filter)} and suite_region eq 'none'`);
      expect(errorOf(answer)).toEqual({ status: 400, code: '0x0' });
    });

    it('finds a row by its key among conditions, and only if it meets them all', async () => {
      const city = { suite_name: 'Keyed', suite_code: randomUUID(), suite_kind: 1 };
      const id = idOf(await api.post('suite_cities', city));
      const found = async (filter: string): Promise<string[]> =>
        (await api.get(`suite_cities?$filter=${filter}`)).json.value.map(
          (row: { suite_cityid: string }) => row.suite_cityid,
        );
      expect(await found(`suite_code eq '${city.suite_code.toUpperCase()}' and suite_kind eq 1`)).toEqual([id]);
      expect(await found(`suite_cityid eq ${id} and suite_kind eq 1`)).toEqual([id]);
      expect(await found(`suite_code eq '${city.suite_code}' and suite_kind eq 2`)).toEqual([]);
      expect(await found(`suite_cityid eq ${id} and suite_cityid eq ${randomUUID()}`)).toEqual([]);
    });

    it('takes parameter aliases, and paths through a lookup', async () => {
      const account = idOf(await api.post('accounts', { name: region }));
      const city = { suite_name: 'Child', suite_number: 99, 'suite_ParentId@odata.bind': `/accounts(${account})` };
      await api.post('suite_cities', city);
      expect(await numbers(`$filter=suite_ParentId/name eq @name&@name='${region}'`)).toEqual([99]);
      expect(await numbers(`$filter=_suite_parentid_value eq ${account}`)).toEqual([99]);
    });

    it('compares whole numbers beyond 53 bits to the last digit, also from page to page', async () => {
      const counters = ['9007199254740993', '9007199254740995', '9007199254740997'];
      const mark = randomUUID();
      for (const counter of counters) {
        await api.post('suite_cities', `{"suite_name":"Big","suite_region":"${mark}","suite_counter":${counter}}`);
      }
      const select = '$select=suite_counter&$orderby=suite_counter';
      const one = await api.get(
        `suite_cities?${select}&$filter=suite_counter eq ${counters[1]} and suite_region eq '${mark}'`,
      );
      expect(one.text.match(/"suite_counter":\d+/g)).toEqual([`"suite_counter":${counters[1]}`]);
      const seen: string[] = [];
      let next: string | undefined = `suite_cities?${select}&$filter=suite_region eq '${mark}'`;
      while (next !== undefined) {
        const page: Answer = await api.get(next, { prefer: 'odata.maxpagesize=1' });
        seen.push(...(page.text.match(/"suite_counter":\d+/g) ?? []).map((text) => text.slice(16)));
        next = page.json['@odata.nextLink'];
      }
      expect(seen).toEqual(counters);
    });

    it('refuses unknown columns and broken syntax', async () => {
      expect((await api.get('suite_cities?$filter=suite_nothing eq 1')).status).toBe(400);
      expect((await api.get('suite_cities?$filter=suite_number eq -1 and suite_nothing eq 1')).status).toBe(400);
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
});
