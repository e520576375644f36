import { randomUUID } from 'node:crypto';
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { DurableClient } from 'durable-functions';
import { faultyProblem, problem } from './problem.ts';
import { linksOf } from './run-view.ts';

export type Handler = (request: HttpRequest, client: DurableClient) => Promise<HttpResponseInit>;

const bodyLimitBytes = 64 * 1024;
const retryAfterSeconds = 2;

/** A request that cannot be served, with its answer. */
export interface Refused {
  readonly refused: HttpResponseInit;
}

export const refuse = (refused: HttpResponseInit): Refused => ({ refused });

/** The body as JSON, or the answer that refuses it; an empty body stands for `whenEmpty` where that is given. */
export async function readBody(
  request: HttpRequest,
  whenEmpty?: unknown,
): Promise<{ readonly json: unknown } | Refused> {
  const body = await request.text();
  if (Buffer.byteLength(body) > bodyLimitBytes)
    return refuse(problem(413, `A body has at most ${bodyLimitBytes} bytes; this has ${Buffer.byteLength(body)}.`));
  if (body.trim() === '' && whenEmpty !== undefined) return { json: whenEmpty };
  try {
    return { json: JSON.parse(body) as unknown };
  } catch {
    return refuse(faultyProblem('run spec', [{ pointer: '', detail: 'The body is not JSON.' }]));
  }
}

const longestIdempotencyKey = 256;

/** The caller's name for what it asks, where it has one. An empty one, such as of a variable that was never set, would be the same for everything. */
export function idempotencyKeyOf(request: HttpRequest): { readonly key: string | undefined } | Refused {
  const key = request.headers.get('idempotency-key') ?? undefined;
  if (key === undefined || (key.trim() !== '' && key.length <= longestIdempotencyKey)) return { key };
  return refuse(
    problem(400, `idempotency-key must have 1 to ${longestIdempotencyKey} characters; it has ${key.trim().length}.`),
  );
}

/** The answer to whatever a run will do later. */
export function accepted(request: HttpRequest, runId: string): HttpResponseInit {
  const links = linksOf(request.url, runId);
  return {
    status: 202,
    headers: { location: links.self, 'retry-after': String(retryAfterSeconds) },
    jsonBody: { runId, links },
  };
}

/** Browsers name the page a request comes from; a page of another site may not start or end anything here. */
export function isForeign(request: HttpRequest): boolean {
  const origin = request.headers.get('origin');
  return origin !== null && (!URL.canParse(origin) || new URL(origin).host !== new URL(request.url).host);
}

export const foreignProblem = (): HttpResponseInit => problem(403, 'Requests of pages of other sites are refused.');

export const noSuchRun = (): HttpResponseInit => problem(404, 'There is no such run.');

/** Ids stand in blob names and instance ids; what no id can be is answered like an id that does not exist. */
export function runIdOf(request: HttpRequest): string {
  const runId = request.params['runId'] ?? '';
  return /^[A-Za-z0-9_-]{1,100}$/.test(runId) ? runId : 'no-such-run';
}

/** Sorts by time, tells nothing else. */
export function newRunId(): string {
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+Z$/g, '');
  return `${stamp}-${randomUUID().slice(0, 8)}`;
}
