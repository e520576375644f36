import type { IncomingMessage } from 'node:http';
import type { RpcCookie, RpcHttp, RpcTypedData } from '../worker/rpc.ts';
import type { Answer } from './answer.ts';

/** An HTTP request as the programming model reads it: lower-case headers, repeated query values joined by commas. */
export function toRpcRequest(
  request: IncomingMessage,
  url: URL,
  params: Readonly<Record<string, string>>,
  body: Uint8Array,
): RpcHttp {
  const names = [...new Set(url.searchParams.keys())];
  const query = Object.fromEntries(names.map((name) => [name, url.searchParams.getAll(name).join(',')]));
  const http: RpcHttp = {
    url: url.href,
    method: request.method ?? 'GET',
    nullableHeaders: nullable(headersOf(request)),
    nullableQuery: nullable(query),
    nullableParams: nullable(params),
  };
  return body.length > 0 ? { ...http, body: { bytes: body } } : http;
}

export function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

function nullable(values: Readonly<Record<string, string>>): Record<string, { value: string }> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
}

/** The answer in what a function returned; 204 where it returned nothing. */
export function toAnswer(returned: RpcTypedData | null | undefined): Answer {
  const http = returned?.http;
  if (!http) return { status: 204 };
  const headers: Record<string, string | readonly string[]> = { ...http.headers };
  const cookies = (http.cookies ?? []).map(serializeCookie);
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  const status = Number(http.statusCode ?? 200);
  const body = http.body?.bytes ?? http.body?.string ?? http.body?.json;
  return body === undefined ? { status, headers } : { status, headers, body };
}

const sameSiteNames = { none: undefined, lax: 'Lax', strict: 'Strict', explicitNone: 'None' } as const;

/** A Set-Cookie header value (RFC 6265, 4.1). */
export function serializeCookie(cookie: RpcCookie): string {
  const sameSite = sameSiteNames[cookie.sameSite ?? 'none'];
  const parts = [`${cookie.name ?? ''}=${encodeURIComponent(cookie.value ?? '')}`];
  if (cookie.maxAge) parts.push(`Max-Age=${Math.trunc(cookie.maxAge.value)}`);
  if (cookie.domain) parts.push(`Domain=${cookie.domain.value}`);
  if (cookie.path) parts.push(`Path=${cookie.path.value}`);
  if (cookie.expires) parts.push(`Expires=${toDate(cookie.expires.value).toUTCString()}`);
  if (cookie.httpOnly?.value === true) parts.push('HttpOnly');
  if (cookie.secure?.value === true) parts.push('Secure');
  if (sameSite !== undefined) parts.push(`SameSite=${sameSite}`);
  return parts.join('; ');
}

/** The programming model hands expiry on as a Date, or as seconds since the epoch in an object. */
function toDate(value: unknown): Date {
  if (value instanceof Date) return value;
  if (typeof value === 'object' && value !== null && 'seconds' in value) return new Date(Number(value.seconds) * 1000);
  return new Date(typeof value === 'number' || typeof value === 'string' ? value : Number.NaN);
}
