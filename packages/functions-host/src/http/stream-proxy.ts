import { request as sendRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';

/** An HTTP call handed through to the server that `@azure/functions` runs inside the app in HTTP stream mode. */
export interface ProxiedCall {
  /** Resolves when the app's answer has been passed on; rejects if there was none. */
  readonly done: Promise<void>;
  /** Gives up waiting for the app's answer. */
  abort(): void;
}

/** No bytes for this long end a proxied call. */
const inactivityMs = 240_000;

/** Passes a raw request on; the app matches it with its invocation by id. */
export function proxyToApp(options: {
  readonly httpUri: string;
  readonly invocationId: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}): ProxiedCall {
  const { request, response } = options;
  const headers = {
    ...request.headers,
    'x-ms-invocation-id': options.invocationId,
    'x-forwarded-host': request.headers.host ?? 'localhost',
    'x-forwarded-proto': 'http',
  };
  let outgoing: ClientRequest | undefined;
  const done = new Promise<void>((resolve, reject) => {
    outgoing = sendRequest(
      new URL(request.url ?? '/', options.httpUri),
      { method: request.method, headers, timeout: inactivityMs },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, withoutInvocationId(answer.headers));
        answer.pipe(response);
        answer.on('error', reject);
        response.on('finish', resolve);
      },
    );
    // A client that goes away ends the call for the app too, which may be at an answer without end.
    response.on('close', () => {
      resolve();
      outgoing?.destroy();
    });
    outgoing.on('timeout', () => outgoing?.destroy(new Error(`no data for ${inactivityMs / 1000} s`)));
    outgoing.on('error', reject);
    request.pipe(outgoing);
  });
  return { done, abort: () => void outgoing?.destroy() };
}

function withoutInvocationId(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  const { 'x-ms-invocation-id': _internal, ...kept } = headers;
  return kept;
}
