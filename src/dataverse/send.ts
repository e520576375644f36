import type { Dispatcher } from 'undici';
import type { Headers } from './headers.ts';
import { TransientError } from './errors.ts';

/**
 * A request has this long in all, connecting and the last byte of the answer included: more than the two minutes the server
 * gives itself, so that slow successes are still heard.
 */
export const requestTimeoutMs = 150_000;
/** A read has no effect that could be missed, so it is sooner given up and sent again. */
export const readTimeoutMs = 60_000;
const maxAnswerBytes = 16 * 2 ** 20;

export interface HttpRequest {
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly headers: Headers;
  readonly body?: Buffer | undefined;
  readonly timeoutMs: number;
  readonly clientRequestId: string;
}

/** A whole answer, whatever its status. */
export interface Answer {
  readonly status: number;
  /** By lower-case name; the last one where a header came several times. */
  header(name: string): string | undefined;
  /** All of them, as one list. */
  headerList(name: string): string | undefined;
  readonly body: string;
}

/** Failures of the connection before a byte of the request could be on its way. */
const unsentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/**
 * Sends one request once and reads the answer to its end, because an unread answer blocks its connection. Throws `TransientError`
 * when there is no whole answer.
 */
export async function sendOnce(dispatcher: Dispatcher, request: HttpRequest): Promise<Answer> {
  // One signal in all: timers for parts of an answer never fire on one that drips.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), request.timeoutMs);
  try {
    const { statusCode, headers, body } = await dispatcher.request({
      origin: request.origin,
      path: request.path,
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
      signal: late.signal,
    });
    const text = await readAll(body);
    return {
      status: statusCode,
      body: text,
      header(name) {
        const value = headers[name];
        return typeof value === 'object' ? value.at(-1) : value;
      },
      headerList(name) {
        const value = headers[name];
        return typeof value === 'object' ? value.join(', ') : value;
      },
    };
  } catch (cause) {
    throw new TransientError(describeFailure(cause, late.signal.aborted ? request.timeoutMs : undefined), {
      maybeCommitted: !unsentCodes.has(codeOf(cause)),
      clientRequestId: request.clientRequestId,
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function readAll(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    // Leaving the loop destroys the stream and its connection.
    if (bytes > maxAnswerBytes) throw new Error(`the answer is longer than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined
    ? chunks[0].toString('utf8')
    : Buffer.concat(chunks).toString('utf8');
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

function describeFailure(cause: unknown, timedOutAfterMs: number | undefined): string {
  if (timedOutAfterMs !== undefined) return `No complete answer within ${timedOutAfterMs} ms.`;
  const what = codeOf(cause) || (cause instanceof Error ? cause.message : 'unknown failure');
  return `No complete answer: ${what}.`;
}
