import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../src/plan/fault.ts';
import type { RunPlan, RunReport, RunView, StartedRun } from './api.ts';
import { RefusedError, UnreachableError } from './errors.ts';
import { retryAfterMs } from './retry-after.ts';

export interface ClientOptions {
  /** Where the app answers, without `/api`. */
  readonly url: string;
  /** Function key, sent as `x-functions-key`. */
  readonly key?: string;
  /** How long a request is repeated while nothing answers or the service is starting; default 5 s. */
  readonly patienceMs?: number;
  /** For tests: the wait between two attempts. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/** An answer, and how long the service wants to be left alone before the next question. */
export interface Answer<Body> {
  readonly body: Body;
  readonly retryAfterMs: number | undefined;
}

/** Client of docs/http-api.md. Throws `RefusedError` and `UnreachableError`. */
export interface Client {
  /** Safe to repeat: the idempotency key makes a second delivery answer with the same run. */
  startRun(spec: unknown, idempotencyKey: string): Promise<StartedRun>;
  /** Starts nothing. */
  planRun(spec: unknown): Promise<RunPlan>;
  getRun(runId: string): Promise<Answer<RunView>>;
  getReport(runId: string): Promise<RunReport>;
  getFailures(runId: string, format: 'jsonl' | 'csv'): Promise<string>;
  /** Asks something of a run; answers the run that then is to be watched: a new one after a redrive or an undo. */
  order(
    runId: string,
    order: string,
    how: { readonly body: object; readonly idempotencyKey: string },
  ): Promise<StartedRun>;
  /** The latest runs, newest first, at most 100. */
  listRuns(top: number): Promise<readonly RunView[]>;
  /** Where people see a run. */
  dashboardOf(runId: string): string;
  /** The same client with another patience. */
  withPatience(patienceMs: number): Client;
}

const defaultPatienceMs = 5_000;
const attemptTimeoutMs = 30_000;
const firstPauseMs = 250;
const longestPauseMs = 5_000;

/** Answers of a host that is starting, restarting or busy; the request was not served. */
const transientStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export function createClient(options: ClientOptions): Client {
  return {
    async startRun(spec, idempotencyKey) {
      const response = await send(options, 'api/runs', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
        body: JSON.stringify(spec),
      });
      return (await readJson(response)).body as StartedRun;
    },
    async planRun(spec) {
      const response = await send(options, 'api/plans', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(spec),
      });
      return (await readJson(response)).body as RunPlan;
    },
    async getRun(runId) {
      return (await readJson(await send(options, runPath(runId), {}))) as Answer<RunView>;
    },
    async getReport(runId) {
      return (await readJson(await send(options, `${runPath(runId)}/report`, {}))).body as RunReport;
    },
    async getFailures(runId, format) {
      const response = await send(options, `${runPath(runId)}/failures?format=${format}`, {});
      const text = await response.text();
      if (!response.ok) throw refusal(response.status, parseJson(text), text);
      return text;
    },
    async order(runId, order, { body, idempotencyKey }) {
      const response = await send(options, `${runPath(runId)}/${order}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
        body: JSON.stringify(body),
      });
      return (await readJson(response)).body as StartedRun;
    },
    async listRuns(top) {
      const { body } = await readJson(await send(options, `api/runs?top=${top}`, {}));
      return (body as { readonly runs: readonly RunView[] }).runs;
    },
    dashboardOf: (runId) => urlOf(options, `api/dashboard#run=${encodeURIComponent(runId)}`).href,
    withPatience: (patienceMs) => createClient({ ...options, patienceMs }),
  };
}

function runPath(runId: string): string {
  return `api/runs/${encodeURIComponent(runId)}`;
}

function urlOf({ url }: ClientOptions, path: string): URL {
  return new URL(path, url.endsWith('/') ? url : `${url}/`);
}

/** Sends until something other than "not now" comes back, or patience ends. */
async function send(options: ClientOptions, path: string, init: RequestInit): Promise<Response> {
  const url = urlOf(options, path);
  const headers = new Headers(init.headers);
  if (options.key !== undefined) headers.set('x-functions-key', options.key);
  const sleep = options.sleep ?? ((ms: number) => delay(ms));
  let patienceMs = options.patienceMs ?? defaultPatienceMs;

  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const answer = await attempt(url, { ...init, headers });
    if (answer.response !== undefined) {
      const asked = retryAfterMs(answer.response.headers.get('retry-after'), Date.now());
      const wait = asked ?? pauseMs;
      if (!transientStatuses.has(answer.response.status) || wait > patienceMs) return answer.response;
      await answer.response.body?.cancel();
      patienceMs -= wait;
      await sleep(wait);
    } else {
      if (pauseMs > patienceMs) {
        const advice = 'Does the app run there? FANOUT_URL or --url names another address.';
        throw new UnreachableError(`${url.origin} does not answer: ${answer.reason}. ${advice}`);
      }
      patienceMs -= pauseMs;
      await sleep(pauseMs);
    }
  }
}

type Attempt = { readonly response: Response } | { readonly response: undefined; readonly reason: string };

/** The whole body is read here, so that a connection cut in the middle is a failed attempt like any other. */
async function attempt(url: URL, init: RequestInit): Promise<Attempt> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(attemptTimeoutMs) });
    const body = await response.arrayBuffer();
    const { status, statusText, headers } = response;
    return { response: new Response(body, { status, statusText, headers }) };
  } catch (error) {
    return { response: undefined, reason: reasonOf(error) };
  }
}

/** `fetch failed` says nothing; what the socket said is in the cause, and several addresses make an aggregate. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}

async function readJson(response: Response): Promise<Answer<unknown>> {
  const text = await response.text();
  const body = parseJson(text);
  if (!response.ok) throw refusal(response.status, body, text);
  if (body === undefined) {
    throw new RefusedError(
      `The service answered ${response.status} without JSON: ${excerpt(text)}`,
      response.status,
      [],
    );
  }
  return { body, retryAfterMs: retryAfterMs(response.headers.get('retry-after'), Date.now()) };
}

/** What it means when the host itself refuses, which it does without a word. */
const silentRefusals: Readonly<Record<number, string>> = {
  401: 'the function key is missing or wrong (FANOUT_KEY or --key)',
  404: 'there is no such route; is FANOUT_URL (or --url) the address of the app, without /api?',
};

function refusal(httpStatus: number, body: unknown, text: string): RefusedError {
  const problem = (typeof body === 'object' && body !== null ? body : {}) as Partial<Problem>;
  const parts = [problem.title, problem.detail].filter((part) => typeof part === 'string' && part !== '');
  const message = parts.length > 0 ? parts.join(': ') : excerpt(text) || (silentRefusals[httpStatus] ?? '');
  const faults = Array.isArray(problem.errors) ? problem.errors : [];
  return new RefusedError(
    `The service answered ${httpStatus}${message === '' ? '' : `: ${message}`}`,
    httpStatus,
    faults,
  );
}

/** RFC 9457, with the faults of a run spec as the extension member `errors`. */
interface Problem {
  readonly title: string;
  readonly detail: string;
  readonly errors: readonly Fault[];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
