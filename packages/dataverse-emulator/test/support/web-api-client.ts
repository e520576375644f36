/** Where a suite sends its requests. */
export interface Target {
  readonly url: string;
  getToken(): Promise<string>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; `undefined` when it is none. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the service sends; the assertions check it
  readonly json: any;
}

/** A client as plain as can be: no retry, no cookie, the token as it is given. */
export class WebApiClient {
  readonly target: Target;

  constructor(target: Target) {
    this.target = target;
  }

  get root(): string {
    return `${this.target.url}/api/data/v9.2`;
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const url = path.startsWith('http') ? path : `${this.root}/${path}`;
    const isText = typeof body === 'string';
    const response = await fetch(url, {
      method,
      headers: {
        authorization: `Bearer ${await this.target.getToken()}`,
        accept: 'application/json',
        'odata-version': '4.0',
        'odata-maxversion': '4.0',
        ...(body !== undefined && { 'content-type': 'application/json; charset=utf-8' }),
        ...headers,
      },
      ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    let json: unknown;
    if (response.headers.get('content-type')?.includes('json') === true) json = JSON.parse(text);
    return { status: response.status, headers: response.headers, text, json };
  }

  get = (path: string, headers?: Record<string, string>): Promise<Answer> => this.send('GET', path, undefined, headers);
  post = (path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> =>
    this.send('POST', path, body, headers);
  patch = (path: string, body: unknown, headers?: Record<string, string>): Promise<Answer> =>
    this.send('PATCH', path, body, headers);
  delete = (path: string, headers?: Record<string, string>): Promise<Answer> =>
    this.send('DELETE', path, undefined, headers);

  bulk(
    set: string,
    logicalName: string,
    message: string,
    rows: readonly Record<string, unknown>[],
    headers?: Record<string, string>,
  ): Promise<Answer> {
    const Targets = rows.map((row) => ({ '@odata.type': `Microsoft.Dynamics.CRM.${logicalName}`, ...row }));
    return this.post(`${set}/Microsoft.Dynamics.CRM.${message}`, { Targets }, headers);
  }
}

export function errorOf(answer: Answer): { status: number; code: string } {
  return { status: answer.status, code: answer.json?.error?.code };
}

/** The id in the `OData-EntityId` of a write. */
export function idOf(answer: Answer): string {
  return /\(([0-9a-f-]{36})\)$/.exec(answer.headers.get('odata-entityid') ?? '')?.[1] ?? '';
}
