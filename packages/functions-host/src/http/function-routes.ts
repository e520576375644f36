import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage, errorStack, StartError } from '../errors.ts';
import { toJson } from '../json.ts';
import type { Log } from '../log.ts';
import type { FunctionCatalog, HostFunction } from '../worker/functions.ts';
import type { Invoke } from '../worker/invoker.ts';
import { limitTime } from '../worker/limit-time.ts';
import type { TimeLimit } from '../worker/limit-time.ts';
import type { RpcTypedData } from '../worker/rpc.ts';
import { sendAnswer } from './answer.ts';
import { BodyTooLargeError, readBody } from './body.ts';
import { headersOf, toAnswer, toRpcRequest } from './function-call.ts';
import { isAuthorized, presentedKey } from './keys.ts';
import type { AuthLevel, HostKeys } from './keys.ts';
import { RequestGate } from './request-gate.ts';
import type { RequestLimits } from './request-gate.ts';
import { isToLoopback } from './loopback.ts';
import { compileRoute } from './routes.ts';
import type { RouteTemplate } from './routes.ts';
import { proxyToApp } from './stream-proxy.ts';

interface Route {
  readonly fn: HostFunction;
  readonly template: RouteTemplate;
  readonly methods: ReadonlySet<string>;
  readonly authLevel: AuthLevel;
}

export interface FunctionRoutesOptions {
  readonly catalog: FunctionCatalog;
  readonly invoke: Invoke;
  readonly log: Log;
  readonly routePrefix: string;
  readonly keys: HostKeys;
  readonly requireKeys: boolean;
  readonly bodyLimitBytes: number;
  readonly requestLimits: RequestLimits;
  readonly timeLimit: TimeLimit;
  /** Where the app itself serves HTTP, in stream mode. */
  readonly httpUri: string | undefined;
}

/** The app's HTTP triggers. */
export class FunctionRoutes {
  readonly #options: FunctionRoutesOptions;
  readonly #routes: readonly Route[];
  readonly #gate: RequestGate;

  /** Throws StartError if a route template cannot be read. */
  constructor(options: FunctionRoutesOptions) {
    this.#options = options;
    this.#gate = new RequestGate(options.requestLimits);
    // Azure tries routes in the order of function names and takes the first that fits; there is no precedence by template.
    const functions = options.catalog.ofKind('http').toSorted((a, b) => compareNames(a.name, b.name));
    this.#routes = functions.map((fn) => createRoute(fn, options.routePrefix));
  }

  /** Serves the request if a route fits, else answers 404. */
  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const found = this.#find(request.method ?? 'GET', url.pathname.slice(1));
    if (!found) {
      sendAnswer(response, { status: 404 });
      return;
    }
    const { keys, requireKeys } = this.#options;
    // Where no key is asked for, what would need one in Azure is for this machine's own names only.
    if (!requireKeys && found.route.authLevel !== 'anonymous' && !isToLoopback(request.headers.host)) {
      sendAnswer(response, { status: 403 });
      return;
    }
    if (requireKeys && !isAuthorized(keys, found.route.authLevel, presentedKey(request.headers, url.searchParams))) {
      sendAnswer(response, { status: 401 });
      return;
    }
    const served = await this.#gate.run(() => this.#serve(found, { request, response, url }));
    if (!served) sendAnswer(response, { status: 429 });
  }

  async #serve(found: Match, call: Call): Promise<void> {
    const { httpUri } = this.#options;
    const { response } = call;
    try {
      if (httpUri === undefined) await this.#invoke(found, call);
      else await this.#stream(found, { ...call, httpUri });
    } catch (error) {
      if (error instanceof BodyTooLargeError) {
        sendAnswer(response, { status: 413, headers: { connection: 'close' } });
        return;
      }
      const { fn } = found.route;
      if (call.request.destroyed && !call.request.complete) {
        this.#options.log(
          'information',
          `Function.${fn.name}`,
          'The client went away before its request was complete.',
        );
        return;
      }
      this.#options.log('error', `Function.${fn.name}`, `Executed with error: ${errorStack(error)}`);
      if (response.headersSent) response.destroy();
      else sendAnswer(response, { status: 500 });
    }
  }

  #find(method: string, path: string): Match | undefined {
    for (const route of this.#routes) {
      const params = route.methods.has(method) ? route.template.match(path) : undefined;
      if (params) return { route, params };
    }
    return undefined;
  }

  async #invoke({ route, params }: Match, { request, response, url }: Call): Promise<void> {
    const body = await readBody(request, this.#options.bodyLimitBytes);
    const { invoke, timeLimit } = this.#options;
    const invocation = invoke({ fn: route.fn, trigger: { http: toRpcRequest(request, url, params, body) } });
    const result = await limitTime(timeLimit, route.fn.name, invocation);
    sendAnswer(response, toAnswer(result.returnValue));
  }

  async #stream({ route, params }: Match, call: Call & { httpUri: string }): Promise<void> {
    const invocationId = randomUUID();
    const triggerMetadata: Record<string, RpcTypedData> = { Headers: { json: toJson(headersOf(call.request)) } };
    for (const [name, value] of Object.entries(params)) triggerMetadata[name] = { string: value };
    const proxied = proxyToApp({ ...call, invocationId });
    const { invoke, timeLimit } = this.#options;
    const running = invoke({ fn: route.fn, trigger: { http: {} }, triggerMetadata, invocationId });
    const invocation = limitTime(timeLimit, route.fn.name, running);
    // A failed invocation never answers, so the proxied socket would stay open.
    invocation.catch(() => proxied.abort());
    const [invoked] = await Promise.allSettled([invocation, proxied.done]);
    if (invoked.status === 'rejected') throw invoked.reason;
    await proxied.done;
  }
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

interface Match {
  readonly route: Route;
  readonly params: Record<string, string>;
}

function createRoute(fn: HostFunction, routePrefix: string): Route {
  const { route, methods, authLevel } = fn.trigger;
  const path = typeof route === 'string' && route !== '' ? route.replace(/^\/+/u, '') : fn.name;
  const names = Array.isArray(methods) ? methods.map((method) => String(method).toUpperCase()) : ['GET', 'POST'];
  try {
    const template = compileRoute(routePrefix === '' ? path : `${routePrefix}/${path}`);
    return { fn, template, methods: new Set(names), authLevel: toAuthLevel(authLevel) };
  } catch (error) {
    throw new StartError(`Function "${fn.name}": ${errorMessage(error)}`);
  }
}

function toAuthLevel(value: unknown): AuthLevel {
  const name = typeof value === 'string' ? value.toLowerCase() : '';
  return name === 'function' || name === 'admin' ? name : 'anonymous';
}

function compareNames(a: string, b: string): number {
  const [first, second] = [a.toUpperCase(), b.toUpperCase()];
  return first < second ? -1 : Number(first > second);
}
