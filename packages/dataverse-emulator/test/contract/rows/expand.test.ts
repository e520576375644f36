import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { idOf } from '../../support/web-api-client.ts';

contract('$expand', (api) => {
  const name = randomUUID();
  let account = '';
  beforeAll(async () => {
    account = idOf(
      await api.post('accounts', {
        name,
        contact_customer_accounts: ['Bo', 'Al', 'Cy'].map((lastname) => ({ lastname, jobtitle: name })),
      }),
    );
  });
  const contacts = async (options: string): Promise<string[]> => {
    const answer = await api.get(`accounts(${account})?$select=name&$expand=contact_customer_accounts(${options})`);
    return (answer.json.contact_customer_accounts as { lastname: string }[]).map(({ lastname }) => lastname);
  };

  it('shows the rows of a collection, selected, filtered, ordered and cut', async () => {
    expect((await contacts('$select=lastname')).sort()).toEqual(['Al', 'Bo', 'Cy']);
    expect(await contacts("$select=lastname;$filter=lastname ne 'Bo';$orderby=lastname desc")).toEqual(['Cy', 'Al']);
    expect(await contacts('$select=lastname;$orderby=lastname;$top=2')).toEqual(['Al', 'Bo']);
  });

  it('works for several rows at once, with an empty list and null for nothing', async () => {
    const lonely = idOf(await api.post('accounts', { name }));
    const expand = '$expand=contact_customer_accounts($select=lastname),primarycontactid($select=lastname)';
    const { json } = await api.get(`accounts?$select=name&$filter=name eq '${name}'&${expand}`);
    const rows = json.value as { accountid: string; contact_customer_accounts: unknown[]; primarycontactid: unknown }[];
    const byId = new Map(rows.map((row) => [row.accountid, row]));
    expect(byId.get(account)?.contact_customer_accounts).toHaveLength(3);
    expect(byId.get(lonely)).toMatchObject({ contact_customer_accounts: [], primarycontactid: null });
  });

  it('is refused for names that are no navigation property, and for a second level', async () => {
    expect((await api.get(`accounts(${account})?$expand=name`)).status).toBe(400);
    const nested = 'contact_customer_accounts($expand=parentcustomerid_account)';
    expect((await api.get(`accounts(${account})?$expand=${nested}`)).status).toBe(400);
  });
});
