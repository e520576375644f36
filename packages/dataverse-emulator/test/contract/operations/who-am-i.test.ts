import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';

contract('WhoAmI', (api) => {
  it('names user, business unit and organization, with and without parentheses', async () => {
    const who = await api.get('WhoAmI');
    expect((await api.get('WhoAmI()')).json).toEqual(who.json);
    expect(who.json).toMatchObject({
      '@odata.context': `${api.root}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
      UserId: expect.any(String),
      BusinessUnitId: expect.any(String),
      OrganizationId: expect.any(String),
    });
  });

  it('names a user that is a row of systemusers', async () => {
    const who = await api.get('WhoAmI');
    expect((await api.get(`systemusers(${who.json.UserId})`)).status).toBe(200);
  });
});
