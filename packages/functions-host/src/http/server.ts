import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { DurableHttpApi } from '../durable/http-api.ts';
import { rpcPath, webhookPath } from '../durable/management-urls.ts';
import type { UrlOptions } from '../durable/management-urls.ts';
import { errorStack, StartError } from '../errors.ts';
import type { Log } from '../log.ts';
import { sendAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { BodyTooLargeError, readBody } from './body.ts';
import { applyCors } from './cors.ts';
import type { Cors } from './cors.ts';
import type { FunctionRoutes } from './function-routes.ts';
import { isAuthorized, presentedKey } from './keys.ts';
import type { HostKeys } from './keys.ts';
import { isToLoopback } from './loopback.ts';

/** What the server hands requests to, once the app is loaded. */
export interface Site {
  readonly functions: FunctionRoutes;
  readonly durable: DurableHttpApi;
  /** Runs a timer function now; false if there is none of that name. */
  readonly runTimer: (name: string) => boolean;
  readonly urls: UrlOptions;
  readonly keys: HostKeys;
  readonly requireKeys: boolean;
  readonly cors: Cors;
  readonly bodyLimitBytes: number;
}

export interface HttpServer {
  readonly port: number;
  /** Begins to serve; until then every request is answered 503. */
  serve(site: Site): void;
  readonly requestCount: number;
  /** Takes no more requests and waits for those under way, no longer than `graceMs`. */
  close(graceMs: number): Promise<void>;
}

const keepAliveMs = 120_000;

/** Listens on 127.0.0.1. Throws StartError if the port is taken. */
export async function openServer(port: number, log: Log, onQuiet: () => void): Promise<HttpServer> {
  let site: Site | undefined;
  let requestCount = 0;
  const server = createServer((request, response) => {
    requestCount++;
    response.once('close', () => {
      requestCount--;
      onQuiet();
    });
    if (!site) {
      sendAnswer(response, { status: 503, headers: { 'retry-after': '1' } });
      return;
    }
    serveRequest(site, request, response).catch((error: unknown) => {
      if (error instanceof BodyTooLargeError) {
        sendAnswer(response, { status: 413, headers: { connection: 'close' } });
        return;
      }
      log('error', 'Host.Http', errorStack(error));
      sendAnswer(response, { status: 500 });
    });
  });
  // Uploads may take as long as they need: the functions behind decide.
  server.requestTimeout = 0;
  // Durable clients keep their connections; closing those early would break a call now and then.
  server.keepAliveTimeout = keepAliveMs;
  await listen(server, port);
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    serve: (opened) => (site = opened),
    get requestCount() {
      return requestCount;
    },
    close: (graceMs) => closeServer(server, graceMs),
  };
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'the port is in use; choose another with --port' : error.message;
      reject(new StartError(`Cannot listen on 127.0.0.1:${port}: ${reason}.`));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}

async function serveRequest(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (applyCors(request, response, site.cors)) return;
  const url = urlOf(request);
  if (!url) {
    sendAnswer(response, { status: 400 });
    return;
  }
  if (url.pathname.startsWith(`${webhookPath}/`)) {
    const key = presentedKey(request.headers, url.searchParams);
    if (site.requireKeys && !isAuthorized(site.keys, 'system', key)) {
      sendAnswer(response, { status: 401 });
      return;
    }
    if (!mayManage(site, request)) {
      sendAnswer(response, { status: 403 });
      return;
    }
    await serveDurable(site, { request, response, url, base: `${webhookPath}/` });
    return;
  }
  if (url.pathname.startsWith(rpcPath)) {
    if (!isFromThisMachinesApp(request)) sendAnswer(response, { status: 403 });
    else await serveDurable(site, { request, response, url, base: rpcPath });
    return;
  }
  const [, timerName] = /^\/admin\/functions\/([^/]+)$/u.exec(url.pathname) ?? [];
  if (timerName !== undefined && request.method === 'POST') {
    if (!mayManage(site, request)) sendAnswer(response, { status: 403 });
    else
      sendAnswer(response, runTimer(site, decodeSegment(timerName), presentedKey(request.headers, url.searchParams)));
    return;
  }
  await site.functions.handle(request, response, url);
}

/** Undefined if the request names no address that can be read. */
function urlOf({ url = '/', headers }: IncomingMessage): URL | undefined {
  const origin = `http://${headers.host ?? '127.0.0.1'}`;
  // A path may begin with two slashes, which would pass for a host name.
  return URL.parse(url.startsWith('/') ? `${origin}${url}` : url, origin) ?? undefined;
}

/** The app's durable clients need no key, so what a browser sends, be it through a name that leads here, is none of them. */
function isFromThisMachinesApp({ headers }: IncomingMessage): boolean {
  return headers.origin === undefined && headers.host?.startsWith('127.0.0.1:') === true;
}

/**
 * Without keys nothing tells a page of another site from the person at this machine, so management is refused to such pages, be it through
 * a name that leads here.
 */
function mayManage(site: Site, { headers }: IncomingMessage): boolean {
  if (site.requireKeys) return true;
  const { origin } = headers;
  const isAllowed = origin === undefined || site.cors.origins.includes(origin) || site.cors.origins.includes('*');
  return isToLoopback(headers.host) && isAllowed;
}

/** The administrative call that runs a function which has no HTTP trigger. */
function runTimer(site: Site, name: string, key: string | undefined): Answer {
  if (site.requireKeys && !isAuthorized(site.keys, 'admin', key)) return { status: 401 };
  return { status: site.runTimer(name) ? 202 : 404 };
}

async function serveDurable(
  site: Site,
  call: { request: IncomingMessage; response: ServerResponse; url: URL; base: string },
): Promise<void> {
  const { request, response, url, base } = call;
  const body = await readBody(request, site.bodyLimitBytes);
  const token = request.headers['x-ms-continuation-token'];
  const answer = await site.durable.handle({
    method: request.method ?? 'GET',
    segments: url.pathname
      .slice(base.length)
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeSegment),
    query: url.searchParams,
    contentType: request.headers['content-type'] ?? '',
    continuationToken: Array.isArray(token) ? token[0] : token,
    body: body.toString('utf8'),
    urls: { ...site.urls, origin: base === rpcPath ? site.urls.origin : url.origin },
  });
  sendAnswer(response, answer);
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
