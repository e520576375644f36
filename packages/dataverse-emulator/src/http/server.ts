import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { clientCredentialsToken, managedIdentityToken } from '../auth/token-endpoints.ts';
import type { Tokens } from '../auth/tokens.ts';
import { handleControl } from '../control/control-api.ts';
import type { Emulator } from '../emulator.ts';
import type { ApiResponse, Environment } from '../operations/operation.ts';
import type { WebApi } from './web-api.ts';
import type { WireResponse } from './wire.ts';

/** Room for URLs of 32,768 characters, which are refused above that, and for headers. */
const maxHeaderBytes = 128 * 1024;
const gzipFromBytes = 1024;
const maxControlBodyBytes = 1024 * 1024;

export interface ServerParts {
  readonly environment: Environment;
  readonly tokens: Tokens;
  readonly webApi: WebApi;
  readonly emulator: () => Emulator;
}

export function createHttpServer(parts: ServerParts): Server {
  const server = createServer({ requestTimeout: 0, maxHeaderSize: maxHeaderBytes }, (request, response) => {
    // Read at every request, so that a changed setting holds from then on.
    server.keepAliveTimeout = parts.environment.settings().keepAliveMs;
    respond(parts, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  return server;
}

async function respond(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? '/';
  if (url.startsWith('/_emulator')) return respondControl(parts, request, response, url);
  if (url.startsWith('/msi/token')) {
    const query = new URL(url, 'http://localhost').searchParams;
    sendPlain(response, managedIdentityToken(parts.environment, parts.tokens, query, headersOf(request)));
    return;
  }
  if (request.method === 'POST' && /^\/[^/]+\/oauth2\/(v2\.0\/)?token(\?|$)/.test(url)) {
    const form = new URLSearchParams((await readBody(request, maxControlBodyBytes)) ?? '');
    sendPlain(response, clientCredentialsToken(parts.environment, parts.tokens, form));
    return;
  }
  const body = await readBody(request, parts.environment.settings().maxBodyBytes);
  const answer = await parts.webApi.handle({ method: request.method ?? 'GET', url, headers: headersOf(request), body });
  if (body === undefined) response.shouldKeepAlive = false;
  await deliver(parts.environment, request, response, answer);
}

async function respondControl(
  parts: ServerParts,
  request: IncomingMessage,
  response: ServerResponse,
  url: string,
): Promise<void> {
  const body = await readBody(request, maxControlBodyBytes);
  if (body === undefined) {
    response.shouldKeepAlive = false;
    response.writeHead(413, { 'Content-Type': 'application/json' });
    response.end(`${JSON.stringify({ error: `A body here has at most ${maxControlBodyBytes} bytes.` })}\n`);
    return;
  }
  const answer = await handleControl(parts.emulator(), request.method ?? 'GET', new URL(url, 'http://localhost'), body);
  response.writeHead(answer.status, { 'Content-Type': answer.contentType });
  if (typeof answer.body === 'string') response.end(answer.body);
  else await pipeline(Readable.from(answer.body), response);
}

function headersOf(request: IncomingMessage): Readonly<Record<string, string | undefined>> {
  // Node joins repeated headers with commas; only set-cookie is a list, and requests do not have it.
  return request.headers as Readonly<Record<string, string | undefined>>;
}

/** The whole body as text; `undefined` when it is larger than allowed. Rejects when the client goes away before its end. */
function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const collect = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      // The rest is read and thrown away, so that the client gets to see the answer.
      request.off('data', collect);
      request.resume();
      resolve(undefined);
    };
    request.on('data', collect);
    request.once('end', () =>
      resolve((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString('utf8') ?? ''),
    );
    request.once('error', reject);
    request.once('close', () => reject(new Error('The client closed the connection.')));
  });
}

function sendPlain(response: ServerResponse, { status, headers, body }: ApiResponse): void {
  response.writeHead(status, headers).end(body);
}

async function deliver(
  environment: Environment,
  request: IncomingMessage,
  response: ServerResponse,
  answer: WireResponse,
): Promise<void> {
  const { delivery, delayMs } = answer;
  // Of an answer without body nothing is left when it is cut.
  if (delivery === 'dropped' || (delivery === 'cut' && answer.body === '')) {
    response.destroy();
    return;
  }
  const later = (): Promise<void> => environment.clock.until(environment.clock.now() + delayMs);
  if (delivery === 'slowHeaders') await later();
  const isZipped =
    answer.body.length >= gzipFromBytes && /\bgzip\b/.test(request.headers['accept-encoding']?.toString() ?? '');
  const payload = isZipped ? gzipSync(answer.body, { level: 1 }) : Buffer.from(answer.body);
  const headers: string[] = answer.headers.flat();
  if (isZipped) headers.push('Content-Encoding', 'gzip');
  if (answer.status !== 204 && answer.status !== 304) headers.push('Content-Length', String(payload.length));
  response.writeHead(answer.status, headers);
  if (delivery === 'cut') {
    response.write(payload.subarray(0, payload.length >>> 1), () => response.destroy());
    response.flushHeaders();
    return;
  }
  if (delivery === 'slowBody') {
    response.write(payload.subarray(0, payload.length >>> 1));
    await later();
    response.end(payload.subarray(payload.length >>> 1));
    return;
  }
  response.end(payload);
}
