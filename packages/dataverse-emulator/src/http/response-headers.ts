export interface HeaderFacts {
  /** `undefined`: no hint. */
  readonly hint: number | string | undefined;
  readonly requestId: string;
  readonly activityId: string;
  readonly clientRequestId: string | undefined;
  readonly server: number;
  readonly affinityCookie: string;
  readonly clientCookie: string;
  readonly remaining: { readonly requests: number; readonly executionTimeMs: number };
}

const seconds = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const clientCookieExpires = 'Mon, 23-Nov-2076 00:00:00 GMT';

/** The headers every response of the Web API carries, errors included, as recorded from the real service. */
export function commonHeaders(facts: HeaderFacts): [string, string][] {
  const { requestId, activityId, server, hint, remaining } = facts;
  const headers: [string, string][] = [
    ['OData-Version', '4.0'],
    ['Cache-Control', 'no-cache'],
    ['Expires', '-1'],
    ['Allow', 'OPTIONS,GET,HEAD,POST'],
    ['Public', 'OPTIONS,GET,HEAD,POST'],
    ['REQ_ID', `${requestId},${requestId}`],
    ['x-ms-service-request-id', `${facts.clientRequestId ?? requestId},${requestId}`],
    ['AuthActivityId', activityId],
    ['CRM.ServiceId', 'CRMAppPool'],
    ['X-Source', `${server + 1},${server + 101}`],
    ['Strict-Transport-Security', 'max-age=31536000; includeSubDomains'],
    ['Set-Cookie', `ARRAffinity=${facts.affinityCookie}; path=/; secure; HttpOnly`],
    ['Set-Cookie', `ReqClientId=${facts.clientCookie}; expires=${clientCookieExpires}; path=/; secure; HttpOnly`],
    ['x-ms-ratelimit-burst-remaining-xrm-requests', String(remaining.requests)],
    ['x-ms-ratelimit-time-remaining-xrm-requests', seconds.format(remaining.executionTimeMs / 1000)],
  ];
  if (hint !== undefined) headers.push(['x-ms-dop-hint', String(hint)]);
  return headers;
}
