import { defaultClientId } from '../settings/profiles.ts';
import type { ApiResponse, Environment } from '../operations/operation.ts';
import type { Tokens } from './tokens.ts';

type Headers = Readonly<Record<string, string | undefined>>;

const json = (status: number, value: unknown): ApiResponse => ({
  status,
  headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' },
  body: JSON.stringify(value),
});

/**
 * The managed-identity endpoint of App Service, version 2019-08-01:
 * learn.microsoft.com/azure/app-service/overview-managed-identity (REST endpoint reference)
 */
export function managedIdentityToken(
  environment: Environment,
  tokens: Tokens,
  query: URLSearchParams,
  headers: Headers,
): ApiResponse {
  const { identityHeader, tokenLifetimeSeconds } = environment.settings();
  const secret = headers['x-identity-header'];
  if (secret === undefined) return json(400, { statusCode: 400, message: 'The header X-IDENTITY-HEADER is missing.' });
  if (identityHeader !== null && secret !== identityHeader)
    return json(401, { statusCode: 401, message: 'X-IDENTITY-HEADER is wrong.' });
  const resource = query.get('resource');
  if (resource === null || resource === '')
    return json(400, { statusCode: 400, message: 'The parameter resource is missing.' });
  const version = query.get('api-version');
  if (version !== '2019-08-01')
    return json(400, { statusCode: 400, message: `The api-version '${version ?? ''}' is not supported.` });
  const clientId = query.get('client_id') ?? defaultClientId;
  const nowMs = environment.clock.now();
  const expiresAtMs = nowMs + tokenLifetimeSeconds * 1000;
  return json(200, {
    access_token: tokens.issue({ clientId, audience: resource, issuedAtMs: nowMs, expiresAtMs }),
    expires_on: String(Math.floor(expiresAtMs / 1000)),
    resource,
    token_type: 'Bearer',
    client_id: clientId,
  });
}

/** Client credentials: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow */
export function clientCredentialsToken(environment: Environment, tokens: Tokens, form: URLSearchParams): ApiResponse {
  const { tokenLifetimeSeconds, users } = environment.settings();
  const nowMs = environment.clock.now();
  const refuse = (status: number, error: string, code: number, text: string): ApiResponse =>
    json(status, {
      error,
      error_description: `AADSTS${code}: ${text}`,
      error_codes: [code],
      timestamp: new Date(nowMs).toISOString(),
    });
  const grantType = form.get('grant_type');
  if (grantType !== 'client_credentials') {
    return refuse(
      400,
      'unsupported_grant_type',
      70003,
      `The app requested an unsupported grant type '${grantType ?? ''}'.`,
    );
  }
  const clientId = form.get('client_id');
  if (clientId === null)
    return refuse(
      400,
      'invalid_request',
      900144,
      "The request body must contain the following parameter: 'client_id'.",
    );
  const scope = form.get('scope') ?? '';
  if (!/^https?:\/\/.+\/\.default$/.test(scope)) {
    return refuse(
      400,
      'invalid_scope',
      70011,
      `The provided request must include a 'scope' input parameter. The scope ${scope} is not valid.`,
    );
  }
  const secret = form.get('client_secret') ?? form.get('client_assertion');
  const expected = users.find((user) => user.clientId === clientId)?.secret ?? null;
  if (secret === null || (expected !== null && secret !== expected)) {
    return refuse(401, 'invalid_client', 7000215, `Invalid client secret provided for app '${clientId}'.`);
  }
  const expiresAtMs = nowMs + tokenLifetimeSeconds * 1000;
  const audience = scope.slice(0, -'/.default'.length);
  return json(200, {
    token_type: 'Bearer',
    expires_in: tokenLifetimeSeconds,
    ext_expires_in: tokenLifetimeSeconds,
    access_token: tokens.issue({ clientId, audience, issuedAtMs: nowMs, expiresAtMs }),
  });
}
