import { apiRoot, jsonResponse, readWork, type ApiRequest, type Environment, type Plan } from './operation.ts';

export const organizationVersion = '9.2.24073.198';

export function retrieveVersion(environment: Environment, request: ApiRequest): Plan {
  return {
    work: readWork,
    execute: () =>
      jsonResponse(200, {
        '@odata.context': `${apiRoot(environment, request)}/$metadata#Microsoft.Dynamics.CRM.RetrieveVersionResponse`,
        Version: organizationVersion,
      }),
  };
}
