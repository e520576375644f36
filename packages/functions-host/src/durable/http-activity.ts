import { isObject, toJson, tryParse } from '../json.ts';
import type { DurableHttpRequest } from './actions.ts';

/** The request behind `context.df.callHttp`; returns the JSON text of its answer. Rejects if there is none. */
export async function callHttp(input: string | null, environment: NodeJS.ProcessEnv): Promise<string> {
  const request = JSON.parse(input ?? '{}') as DurableHttpRequest;
  const token = request.tokenSource ? await managedIdentityToken(request.tokenSource.resource, environment) : undefined;
  const response = await fetch(request.uri, {
    method: request.method,
    headers: { ...request.headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    body: request.content ?? null,
    redirect: 'manual',
  });
  const headers = Object.fromEntries(response.headers.entries());
  return toJson({ statusCode: response.status, headers, content: await response.text() });
}

/** The endpoint that App Service offers, by IDENTITY_ENDPOINT and IDENTITY_HEADER (learn.microsoft.com/azure/app-service/overview-managed-identity). */
async function managedIdentityToken(resource: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header } = environment;
  if (endpoint === undefined || header === undefined) {
    throw new Error(
      'callHttp with a tokenSource needs a managed identity: the settings IDENTITY_ENDPOINT and IDENTITY_HEADER name none.',
    );
  }
  const url = new URL(endpoint);
  url.searchParams.set('api-version', '2019-08-01');
  url.searchParams.set('resource', resource);
  const response = await fetch(url, { headers: { 'x-identity-header': header } });
  const answer = tryParse(await response.text());
  if (response.ok && isObject(answer) && typeof answer['access_token'] === 'string') return answer['access_token'];
  throw new Error(`The managed identity endpoint gave no token for ${resource}: it answered ${response.status}.`);
}
