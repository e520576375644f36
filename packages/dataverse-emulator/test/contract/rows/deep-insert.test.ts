import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { contract, emulatorContract } from '../../support/contract.ts';
import { errorOf, idOf } from '../../support/web-api-client.ts';

contract('deep insert', (api) => {
  const contactsOf = async (account: string): Promise<string[]> => {
    const answer = await api.get(`contacts?$select=lastname&$filter=_parentcustomerid_value eq ${account}`);
    return (answer.json.value as { lastname: string }[]).map(({ lastname }) => lastname).sort();
  };

  it('creates the rows inside collections and lookups of a body', async () => {
    const answer = await api.post('accounts', {
      name: 'Deep',
      primarycontactid: { lastname: 'First' },
      contact_customer_accounts: [{ lastname: 'Second' }, { lastname: 'Third' }],
    });
    const account = idOf(answer);
    expect(answer.status).toBe(204);
    expect(await contactsOf(account)).toEqual(['Second', 'Third']);
    const { json } = await api.get(`accounts(${account})?$expand=primarycontactid($select=lastname)`);
    expect(json.primarycontactid.lastname).toBe('First');
  });

  it('writes nothing when one of the rows inside is bad', async () => {
    const name = randomUUID();
    const answer = await api.post('accounts', {
      name,
      primarycontactid: { lastname: name },
      contact_customer_accounts: [{ lastname: 'x'.repeat(51) }],
    });
    expect(errorOf(answer)).toEqual({ status: 400, code: '0x80044331' });
    expect((await api.get(`accounts/$count?$filter=name eq '${name}'`)).text).toBe('0');
    expect((await api.get(`contacts/$count?$filter=lastname eq '${name}'`)).text).toBe('0');
  });

  it('goes no deeper than 100 objects and lists', async () => {
    const nested = (levels: number): string =>
      '{"name":"A","account_parent_account":['.repeat(levels) + '{"name":"Leaf"}' + ']}'.repeat(levels);
    expect((await api.post('accounts', nested(49))).status).toBe(204);
    expect(errorOf(await api.post('accounts', nested(50)))).toEqual({ status: 400, code: '0x80048d19' });
    expect(errorOf(await api.post('accounts', nested(20_000)))).toEqual({ status: 400, code: '0x80048d19' });
  });

  it('is not possible in an update', async () => {
    const account = idOf(await api.post('accounts', { name: 'A' }));
    const update = { contact_customer_accounts: [{ lastname: 'X' }] };
    expect((await api.patch(`accounts(${account})`, update, { 'if-match': '*' })).status).toBe(400);
    expect(await contactsOf(account)).toEqual([]);
  });
});

emulatorContract('deep insert by the settings', {}, ({ api, emulator }) => {
  it('needs the privilege to create on the table of every row', async () => {
    const [user] = emulator().settings().users;
    emulator().changeSettings({ users: [{ ...user!, denied: ['prvCreateContact'] }] });
    const inside = { name: 'A', contact_customer_accounts: [{ lastname: 'X' }] };
    expect(errorOf(await api.post('accounts', inside))).toEqual({ status: 403, code: '0x80040220' });
    const target = { name: 'A', primarycontactid: { lastname: 'X' } };
    expect(errorOf(await api.post('accounts', target))).toEqual({ status: 403, code: '0x80040220' });
    expect((await api.post('accounts', { name: 'A' })).status).toBe(204);
  });
});
