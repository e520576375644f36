import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';

contract('RetrieveCurrentOrganization', (api) => {
  it('describes the organization that WhoAmI names', async () => {
    const argument = "AccessType=Microsoft.Dynamics.CRM.EndpointAccessType'Default'";
    const { status, json } = await api.get(`RetrieveCurrentOrganization(${argument})`);
    expect(status).toBe(200);
    expect(json.Detail.OrganizationId).toBe((await api.get('WhoAmI')).json.OrganizationId);
    expect(json.Detail.OrganizationVersion).toMatch(/^9\.2\./);
    for (const name of [
      'UrlName',
      'UniqueName',
      'FriendlyName',
      'EnvironmentId',
      'TenantId',
      'Geo',
      'State',
      'OrganizationType',
    ])
      expect(json.Detail[name]).toEqual(expect.any(String));
    expect(json.Detail.Endpoints).toMatchObject({
      Count: json.Detail.Endpoints.Values.length as number,
      IsReadOnly: false,
    });
  });
});
