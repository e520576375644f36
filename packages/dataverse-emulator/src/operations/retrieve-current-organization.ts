import { guidOf } from '../basics/guid.ts';
import { apiRoot, jsonResponse, readWork, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { organizationVersion } from './retrieve-version.ts';

export function retrieveCurrentOrganization(environment: Environment, request: ApiRequest): Plan {
  return {
    work: readWork,
    execute: () =>
      jsonResponse(200, {
        '@odata.context': `${apiRoot(environment, request)}/$metadata#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse`,
        Detail: {
          OrganizationId: environment.organizationId,
          FriendlyName: 'Emulated organization',
          OrganizationVersion: organizationVersion,
          EnvironmentId: guidOf('environment'),
          DatacenterId: guidOf('datacenter'),
          Geo: 'EMEA',
          TenantId: guidOf('tenant'),
          UrlName: 'emulator',
          UniqueName: 'emulator',
          State: 'Enabled',
          OrganizationType: 'Customer',
          Endpoints: {
            Count: 1,
            IsReadOnly: false,
            Keys: ['WebApplication'],
            Values: [`${environment.origin()}/`],
          },
        },
      }),
  };
}
