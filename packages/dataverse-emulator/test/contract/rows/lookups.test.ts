import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';
import { errorOf, idOf } from '../../support/web-api-client.ts';

const unique = (): string => randomUUID().slice(0, 8);
const representation = { prefer: 'return=representation' };

contract('lookups', (api) => {
  const city = (members: object = {}) => ({ suite_name: 'A', ...members });
  const newCity = async (members: object = {}): Promise<string> => idOf(await api.post('suite_cities', city(members)));
  it('are bound in four spellings', async () => {
    const account = idOf(await api.post('accounts', { name: 'Parent' }));
    const code = unique();
    await newCity({ suite_code: code });
    for (const text of [`/accounts(${account})`, `accounts(${account})`, `${api.root}/accounts(${account})`]) {
      const answer = await api.post('suite_cities', city({ 'suite_ParentId@odata.bind': text }), representation);
      expect(answer.json._suite_parentid_value).toBe(account);
    }
    const byKey = city({ 'suite_TwinId@odata.bind': `/suite_cities(suite_code='${code}')` });
    const twin = await api.post('suite_cities', byKey, representation);
    const found = await api.get(`suite_cities(suite_code='${code}')`);
    expect(twin.json._suite_twinid_value).toBe(found.json.suite_cityid);
    const wrongTable = await api.post(
      'suite_cities',
      city({ 'suite_ParentId@odata.bind': `/suite_cities(suite_code='${code}')` }),
    );
    expect(wrongTable.status).toBe(400);
  });

  it('are refused in the wrong case, bound to nothing, or bound to null', async () => {
    const account = idOf(await api.post('accounts', { name: 'Parent' }));
    const wrongCase = await api.post('suite_cities', city({ 'suite_parentid@odata.bind': `/accounts(${account})` }));
    const missing = await api.post('suite_cities', city({ 'suite_ParentId@odata.bind': `/accounts(${randomUUID()})` }));
    const noKey = await api.post(
      'suite_cities',
      city({ 'suite_TwinId@odata.bind': `/suite_cities(suite_code='${unique()}')` }),
    );
    const nothing = await api.post('suite_cities', city({ 'suite_ParentId@odata.bind': null }));
    expect([wrongCase, missing, noKey, nothing].map(errorOf)).toEqual([
      { status: 400, code: '0x80048d19' },
      { status: 404, code: '0x80040217' },
      { status: 404, code: '0x80060891' },
      { status: 400, code: '0x80048d19' },
    ]);
  });

  it('are cleared by null', async () => {
    const account = idOf(await api.post('accounts', { name: 'Parent' }));
    const id = await newCity({ 'suite_ParentId@odata.bind': `/accounts(${account})` });
    await api.patch(`suite_cities(${id})`, { suite_ParentId: null });
    expect((await api.get(`suite_cities(${id})`)).json._suite_parentid_value).toBeNull();
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
