import type { IncomingMessage, ServerResponse } from 'node:http';

/** What browsers may call from pages of other sites. */
export interface Cors {
  /** `*` allows all. */
  readonly origins: readonly string[];
  /** Whether those pages may send credentials. */
  readonly credentials: boolean;
}

/** Answers a browser's preflight and marks answers for allowed origins (`Host.CORS` of local.settings.json). True if it answered. */
export function applyCors(request: IncomingMessage, response: ServerResponse, cors: Cors): boolean {
  const { origins } = cors;
  const { origin } = request.headers;
  if (origin === undefined || !(origins.includes('*') || origins.includes(origin))) return false;
  response.setHeader('access-control-allow-origin', origins.includes('*') ? '*' : origin);
  response.setHeader('vary', 'Origin');
  if (cors.credentials) response.setHeader('access-control-allow-credentials', 'true');
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false;
  response.setHeader('access-control-allow-methods', request.headers['access-control-request-method']);
  const wanted = request.headers['access-control-request-headers'];
  if (wanted !== undefined) response.setHeader('access-control-allow-headers', wanted);
  response.statusCode = 204;
  response.end();
  return true;
}
