import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { errorOf, idOf } from '../../support/web-api-client.ts';

contract('retrieve', (api) => {
  const city = (members: object = {}) => ({ suite_name: 'A', ...members });
  const newCity = async (members: object = {}): Promise<string> => idOf(await api.post('suite_cities', city(members)));
  it('answers 404 for a row that is missing', async () => {
    expect(errorOf(await api.get(`suite_cities(${randomUUID()})`))).toEqual({ status: 404, code: '0x80040217' });
  });

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
