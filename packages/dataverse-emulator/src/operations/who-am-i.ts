import { apiRoot, jsonResponse, readWork, type ApiRequest, type Environment, type Plan } from './operation.ts';

/** Names the caller, never the user it impersonates. */
export function whoAmI(environment: Environment, request: ApiRequest): Plan {
  return {
    work: readWork,
    execute: () =>
      jsonResponse(200, {
        '@odata.context': `${apiRoot(environment, request)}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
        BusinessUnitId: environment.businessUnitId,
        UserId: request.caller.systemUserId,
        OrganizationId: environment.organizationId,
      }),
  };
}
