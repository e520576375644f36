import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import type { Answer } from '../../support/web-api-client.ts';

interface City {
  readonly suite_number: number;
}

contract('fetchXml', (api) => {
  const region = randomUUID();
  beforeAll(async () => {
    const rows = Array.from({ length: 7 }, (_, index) => ({
      suite_name: `City ${index}`,
      suite_region: region,
      suite_number: index,
      ...(index > 4 && { suite_foundedon: '2001-02-03' }),
    }));
    expect((await api.bulk('suite_cities', 'suite_city', 'CreateMultiple', rows)).status).toBe(200);
  });

  const query = (conditions: string, { attributes = '', order = '' } = {}): string =>
    `<fetch ${attributes}><entity name="suite_city"><attribute name="suite_number" />${order}` +
    `<filter><condition attribute="suite_region" operator="eq" value="${region}" />${conditions}</filter></entity></fetch>`;
  const send = (xml: string, annotated = false): Promise<Answer> =>
    api.get(
      `suite_cities?fetchXml=${encodeURIComponent(xml)}`,
      annotated ? { prefer: 'odata.include-annotations="*"' } : {},
    );
  const numbers = (answer: Answer): number[] => (answer.json.value as City[]).map((row) => row.suite_number);

  it.each([
    ['<condition attribute="suite_number" operator="gt" value="4" />', [5, 6]],
    ['<condition attribute="suite_number" operator="between"><value>2</value><value>3</value></condition>', [2, 3]],
    ['<condition attribute="suite_number" operator="in"><value>1</value><value>6</value></condition>', [1, 6]],
    ['<condition attribute="suite_name" operator="like" value="%Y 2" />', [2]],
    ['<condition attribute="suite_foundedon" operator="not-null" />', [5, 6]],
    [
      '<filter type="or"><condition attribute="suite_number" operator="eq" value="0" /><condition attribute="suite_number" operator="eq" value="6" /></filter>',
      [0, 6],
    ],
  ])('finds rows by %s', async (condition, expected) => {
    expect(numbers(await send(query(condition))).sort()).toEqual(expected);
  });

  it('shows the attributes asked for, in the order asked for, up to the top', async () => {
    const order = '<order attribute="suite_number" descending="true" />';
    const answer = await send(query('', { attributes: 'top="3"', order }));
    expect(numbers(answer)).toEqual([6, 5, 4]);
    expect(Object.keys(answer.json.value[0] as object).sort()).toEqual(['@odata.etag', 'suite_cityid', 'suite_number']);
  });

  it('pages with the cookie of the page before', async () => {
    const order = '<order attribute="suite_number" />';
    const seen: number[] = [];
    let cookie = '';
    for (let page = 1; page <= 3; page += 1) {
      const attributes = `count="3" page="${page}" ${cookie}`;
      const answer = await send(query('', { attributes, order }), true);
      seen.push(...numbers(answer));
      expect(answer.json['@Microsoft.Dynamics.CRM.morerecords']).toBe(page < 3);
      const text = String(answer.json['@Microsoft.Dynamics.CRM.fetchxmlpagingcookie'] ?? '');
      const encoded = /pagingcookie="([^"]*)"/.exec(text)?.[1] ?? '';
      const plain = decodeURIComponent(decodeURIComponent(encoded));
      cookie = `paging-cookie="${plain.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}"`;
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('pages by number alone', async () => {
    const order = '<order attribute="suite_number" />';
    expect(numbers(await send(query('', { attributes: 'count="3" page="2"', order })))).toEqual([3, 4, 5]);
  });

  it('is refused when it is no XML, names another table or an unknown column', async () => {
    expect((await send('<fetch>')).status).toBe(400);
    expect((await send('<fetch><entity name="account" /></fetch>')).status).toBe(400);
    expect((await send(query('<condition attribute="nothing" operator="null" />'))).status).toBe(400);
  });
});
