import { randomUUID } from 'node:crypto';
import type { Dispatcher } from 'undici';
import type { Clock, Random } from './clock.ts';
import { checkConnectionUrl } from './connection.ts';
import type { Connection } from './connection.ts';
import { mayHaveCommitted } from './error-table.ts';
import type { ServiceFault } from './error-table.ts';
import { BatchRejectedError, MalformedAnswerError, RequestRejectedError, TransientError } from './errors.ts';
import type { ErrorFacts, ThrottleFacet } from './errors.ts';
import { baseHeaders, parseDopHint } from './headers.ts';
import type { Headers } from './headers.ts';
import { longestOverrunMs } from './late-effects.ts';
import { readFault } from './read-error.ts';
import { readRetryAfter } from './retry-after.ts';
import { readTimeoutMs, requestTimeoutMs, sendOnce } from './send.ts';
import type { Answer, HttpRequest } from './send.ts';
import { createSenderPool } from './sender-pool.ts';
import type { Sender, SenderPool } from './sender-pool.ts';
import { createServerClock, type ServerClock } from './server-clock.ts';
import { createTableMemory } from './table-memory.ts';
import type { TableMemory } from './table-memory.ts';
import type { ServerPin } from './server-pin.ts';
import type { PassResult, ToldWait } from './throttle-gate.ts';

/** learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors */
export const apiRoot = '/api/data/v9.2/';

const maxAttempts = 5;
const backoffBaseMs = 1_000;
const backoffCapMs = 30_000;
const maxBackoffInAllMs = 120_000;

export interface ThrottleEvent {
  readonly facet: ThrottleFacet;
  /** What the answer told, or what we took in its place. */
  readonly retryAfterMs: number;
}

/** What sending has cost; filled by `send`, also when it throws. One log may serve many requests. */
export interface SendLog {
  /** HTTP requests, repeats included. */
  requests: number;
  /** Rows written by them, each time they were sent; what a limit refused unseen is left out. */
  rowsSent: number;
  readonly throttles: ThrottleEvent[];
  /** When the first of them came, on the client's clock. */
  firstThrottledAtMs?: number;
  /** When a request last ended of which the service itself has told no end: it may take effect until the service's time limit. */
  unheardAtMs?: number;
  /** Time with a request on its way; waits are not in it. */
  busyMs: number;
  /** The latest `x-ms-dop-hint`, which is per identity, summed over the identities of the connection. */
  dopHint?: number;
}

export function newSendLog(): SendLog {
  return { requests: 0, rowsSent: 0, throttles: [], busyMs: 0 };
}

export interface ClientRequest<T> {
  readonly method: HttpRequest['method'];
  /** Below the API root, encoded: `accounts/Microsoft.Dynamics.CRM.CreateMultiple?tag=x`. */
  readonly path: string;
  readonly headers?: Headers;
  readonly body?: Buffer;
  /** Effects converge when the request is sent again; without it only what surely was not processed is repeated. */
  readonly repeatable: boolean;
  /** No wait (throttle, back-off) may end later than this, on the client's clock. */
  readonly deadlineAtMs: number;
  /** Ends waits, and lets nothing further out. A request on its way is heard to its end: else nobody knew what it did. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: SendLog;
  /**
   * Reads a 2xx or multipart answer. Throws `MalformedAnswerError` when it is not complete, which makes the request one
   * without an answer. Hands waits that it finds inside the answer to `throttled`, which returns how long they are in milliseconds.
   */
  read(answer: Answer, throttled: (told: ToldWait) => number): T;
  /** Called with every whole answer, whatever it says. */
  heard?(answer: Answer): void;
  /** Number of the identity that has to send it, from 0; absent: whoever may send first. */
  readonly sender?: number;
  /** Keeps the request on a server; absent: any server, and no cookie is sent. */
  readonly pin?: ServerPin;
}

export interface Sent<T> {
  readonly value: T;
  /** Sends that used up an attempt; throttled ones and one with a refused token do not. */
  readonly attempts: number;
  /** An attempt before the answered one may have taken effect. */
  readonly maybeCommittedBefore: boolean;
  /** From the last send to its answer. */
  readonly ms: number;
}

/** Sends requests to one environment, under any of the connection's identities. */
export interface Client {
  readonly clock: Clock;
  readonly origin: string;
  readonly senderCount: number;
  /** What sending has taught about the environment's tables. */
  readonly tables: TableMemory;
  /** And about its clock. */
  readonly serverClock: ServerClock;
  /**
   * Throws `ThrottledError` (the wait is longer than the deadline allows), `TransientError` (no decision after five attempts),
   * `BatchRejectedError` (refused and rolled back), `RequestRejectedError` (nothing like it will be accepted), or the signal's reason.
   */
  send<T>(request: ClientRequest<T>): Promise<Sent<T>>;
  /** The same client, whose requests stay on the server of the pin. */
  pinnedBy(pin: ServerPin): Client;
}

export interface ClientOptions {
  readonly connection: Connection;
  /** At least one; limits hold for each of them. */
  readonly senders: readonly Sender[];
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly random: Random;
  /** Whole time of one attempt; by default that of its kind, which for writes outlasts the server's own limit. */
  readonly requestTimeoutMs?: number;
}

type Reply<T> =
  | { readonly kind: 'value'; readonly value: T; readonly ms: number }
  | {
      readonly kind: 'fault';
      readonly fault: ServiceFault;
      readonly facts: ErrorFacts;
      readonly sender: Sender;
      readonly token: string;
      /** A batch that was stopped on its way: operations before the stop stay committed. */
      readonly partly: boolean;
    }
  | { readonly kind: 'lost'; readonly error: TransientError }
  /** The gate closed while the token was fetched. */
  | { readonly kind: 'notSent' };

/** Throws `RangeError` when the connection's URL is not one a token may be sent to. */
export function createClient(options: ClientOptions): Client {
  const checked = checkConnectionUrl(options.connection.url, options.connection);
  if (!checked.ok) throw new RangeError(`Connection ${options.connection.name}: the URL ${checked.fault}.`);
  const serverClock = createServerClock();
  const deps = { ...options, origin: checked.origin, pool: createSenderPool(options.senders), serverClock };
  const tables = createTableMemory();
  const pinnedBy = (pin: ServerPin | undefined): Client => ({
    clock: options.clock,
    origin: checked.origin,
    senderCount: options.senders.length,
    tables,
    serverClock,
    send: (request) => sendUntilDecided(deps, pin === undefined ? request : { ...request, pin }),
    pinnedBy,
  });
  return pinnedBy(undefined);
}

type Deps = ClientOptions & {
  readonly origin: string;
  readonly pool: SenderPool;
  readonly serverClock: ServerClock;
};

async function sendUntilDecided<T>(deps: Deps, request: ClientRequest<T>): Promise<Sent<T>> {
  let attempts = 0;
  let waitedMs = 0;
  let maybeCommittedBefore = false;
  let refused: RefusedToken | undefined;
  /** Each identity may ask for a fresh token once. */
  const renewed = new Set<Sender>();
  for (;;) {
    const reply = await attempt(deps, request, refused);
    refused = undefined;
    if (reply.kind === 'value') {
      return { value: reply.value, attempts: attempts + 1, maybeCommittedBefore, ms: reply.ms };
    }
    if (reply.kind === 'notSent') continue;
    if (reply.kind === 'fault' && reply.fault.class === 'throttled') {
      maybeCommittedBefore ||= reply.partly;
      continue;
    }
    if (reply.kind === 'fault' && reply.fault.class === 'token' && !renewed.has(reply.sender)) {
      renewed.add(reply.sender);
      refused = reply;
      continue;
    }
    attempts += 1;
    const error: TransientError | BatchRejectedError | RequestRejectedError =
      reply.kind === 'lost' ? reply.error : errorOf(reply.fault, reply.facts, request, maybeCommittedBefore);
    if (!(error instanceof TransientError)) throw error;
    maybeCommittedBefore ||= error.maybeCommitted;
    const isUnheard = error.maybeCommitted && error.serviceErrorCode === undefined;
    if (isUnheard && request.log !== undefined) request.log.unheardAtMs = deps.clock.now();
    const pauseMs = deps.random() * Math.min(backoffCapMs, backoffBaseMs * 2 ** (attempts - 1));
    waitedMs += pauseMs;
    const mayRepeat = request.repeatable || !error.maybeCommitted;
    const inTime = waitedMs <= maxBackoffInAllMs && deps.clock.now() + pauseMs <= request.deadlineAtMs;
    const exhausted = attempts >= maxAttempts;
    if (exhausted || !mayRepeat || !inTime) throw asLast(error, { maybeCommitted: maybeCommittedBefore, exhausted });
    await deps.clock.sleep(pauseMs, request.signal);
  }
}

/** The identity whose token was refused tries again itself: nobody else would see to a fresh one. */
interface RefusedToken {
  readonly sender: Sender;
  readonly token: string;
}

async function attempt<T>(deps: Deps, request: ClientRequest<T>, refused: RefusedToken | undefined): Promise<Reply<T>> {
  const { clock } = deps;
  const sender = refused?.sender ?? senderFor(deps.pool, request);
  const { gates, tokens } = sender;
  const gate = gates.at(request.pin?.server ?? null);
  const pass = await gate.enter({ deadlineAtMs: request.deadlineAtMs, signal: request.signal });
  let result: PassResult = 'lost';
  let throttled = false;
  let sentAtMs: number | undefined;
  let by: string | null = null;
  const spread = (told: ToldWait): void =>
    gates.spread(told, { own: gate, by, independent: request.pin?.independent ?? false });
  try {
    const clientRequestId = randomUUID();
    const token = await (refused === undefined ? tokens.get() : tokens.refresh(refused.token));
    if (!gate.isValid(pass)) return { kind: 'notSent' };
    if (clock.now() > request.deadlineAtMs + longestOverrunMs)
      throw new TransientError('The process was held up for too long to send this now.', { maybeCommitted: false });
    sentAtMs = clock.now();
    if (request.log !== undefined) request.log.requests += 1;
    const answer = await sendOnce(deps.dispatcher, httpRequest(deps, request, { token, clientRequestId }));
    const heardAtMs = clock.now();
    const ms = heardAtMs - sentAtMs;
    deps.serverClock.note(answer.header('date'), { sentAtMs, heardAtMs });
    noteDopHint(deps.pool, sender, request.log, answer);
    by = request.pin?.hear(answer) ?? null;
    request.heard?.(answer);
    if (isReadable(answer)) {
      result = 'answered';
      const value = readAnswer(request, answer, (told) => {
        const waitMs = gate.throttled(pass, told);
        spread({ ...told, retryAfterMs: waitMs });
        noteThrottled(request.log, clock.now());
        return waitMs;
      });
      if (value !== undefined) return { kind: 'value', value: value.read, ms };
    }
    const serviceRequestId = answer.header('x-ms-service-request-id');
    const mayBeCut = !isFramed(answer);
    const fault = readFault({ httpStatus: answer.status, body: answer.body, serviceRequestId, mayBeCut });
    result = passResult(answer, fault, clock.now());
    throttled = fault.class === 'throttled';
    const facts = {
      httpStatus: fault.httpStatus,
      serviceErrorCode: fault.code,
      serviceRequestId,
      clientRequestId,
    };
    const partly = isMultipart(answer) || fault.items !== undefined;
    return { kind: 'fault', fault, facts, sender, token, partly };
  } catch (error) {
    if (error instanceof MalformedAnswerError) {
      return { kind: 'lost', error: new TransientError(error.message, { maybeCommitted: true, cause: error }) };
    }
    if (error instanceof TransientError) return { kind: 'lost', error };
    throw error;
  } finally {
    if (request.log !== undefined && sentAtMs !== undefined && !throttled) request.log.busyMs += clock.now() - sentAtMs;
    const waitMs = gate.leave(pass, result);
    if (typeof result === 'object') spread({ ...result, retryAfterMs: waitMs });
    if (throttled && typeof result === 'object') {
      noteThrottled(request.log, clock.now());
      request.log?.throttles.push({ facet: result.facet, retryAfterMs: waitMs });
    }
  }
}

function noteThrottled(log: SendLog | undefined, nowMs: number): void {
  if (log !== undefined) log.firstThrottledAtMs ??= nowMs;
}

function senderFor<T>(pool: SenderPool, request: ClientRequest<T>): Sender {
  const fixed = request.sender === undefined ? undefined : pool.senders[request.sender];
  return fixed ?? pool.pick(request.pin?.server ?? null);
}

function httpRequest<T>(
  deps: Deps,
  request: ClientRequest<T>,
  perAttempt: { readonly token: string; readonly clientRequestId: string },
): HttpRequest {
  return {
    origin: deps.origin,
    path: apiRoot + request.path,
    method: request.method,
    headers: {
      ...baseHeaders,
      ...request.headers,
      ...request.pin?.headers(),
      authorization: `Bearer ${perAttempt.token}`,
      'x-ms-client-request-id': perAttempt.clientRequestId,
    },
    body: request.body,
    timeoutMs: deps.requestTimeoutMs ?? (request.method === 'GET' ? readTimeoutMs : requestTimeoutMs),
    clientRequestId: perAttempt.clientRequestId,
  };
}

/** A `$batch` may answer with the status of the operation that stopped it. */
function isReadable(answer: Answer): boolean {
  return isMultipart(answer) || (answer.status >= 200 && answer.status < 300);
}

/** Otherwise the end of the connection is the end of the body, and a cut one looks whole. */
function isFramed(answer: Answer): boolean {
  return answer.header('content-length') !== undefined || answer.header('transfer-encoding') !== undefined;
}

function isMultipart(answer: Answer): boolean {
  return answer.header('content-type')?.toLowerCase().startsWith('multipart/mixed') === true;
}

/** Undefined where only the status can be believed: a throttle makes everybody wait, also when the parts behind it are not whole. */
function readAnswer<T>(
  request: ClientRequest<T>,
  answer: Answer,
  throttled: (told: ToldWait) => number,
): { readonly read: T } | undefined {
  try {
    return { read: request.read(answer, throttled) };
  } catch (error) {
    if (error instanceof MalformedAnswerError && answer.status === 429) return undefined;
    throw error;
  }
}

function passResult(answer: Answer, fault: ServiceFault, nowMs: number): PassResult {
  const retryAfterMs = readRetryAfter({
    retryAfter: answer.headerList('retry-after'),
    date: answer.header('date'),
    nowMs,
  });
  if (fault.class === 'throttled') return { facet: fault.facet ?? 'other', retryAfterMs };
  // A server that asks for a pause gets it from everybody, whatever becomes of the request itself.
  if (asksForPauses(answer.status) && retryAfterMs !== undefined) return { facet: 'other', retryAfterMs };
  return fault.class === 'transient' ? 'lost' : 'answered';
}

/** Statuses with which a `Retry-After` is meant for all that is sent under the identity. */
export function asksForPauses(httpStatus: number): boolean {
  return httpStatus === 429 || httpStatus === 503;
}

function errorOf<T>(
  fault: ServiceFault,
  facts: ErrorFacts,
  request: ClientRequest<T>,
  maybeCommittedBefore: boolean,
): TransientError | BatchRejectedError | RequestRejectedError {
  if (fault.class === 'run' || fault.class === 'token') return new RequestRejectedError(fault.message, facts);
  if (fault.class === 'transient' || (fault.class === 'busy' && request.method === 'GET')) {
    return new TransientError(fault.message, { ...facts, maybeCommitted: mayHaveCommitted(fault) });
  }
  return new BatchRejectedError(fault, { ...facts, maybeCommittedBefore });
}

/** The last failure speaks for all of them, except about what may have been committed. */
function asLast(
  error: TransientError,
  ending: { readonly maybeCommitted: boolean; readonly exhausted: boolean },
): TransientError {
  const { httpStatus, serviceErrorCode, serviceRequestId, clientRequestId, cause } = error;
  const facts = { httpStatus, serviceErrorCode, serviceRequestId, clientRequestId, cause };
  return new TransientError(error.message, { ...facts, ...ending });
}

function noteDopHint(pool: SenderPool, sender: Sender, log: SendLog | undefined, answer: Answer): void {
  const hint = parseDopHint(answer.header('x-ms-dop-hint'));
  if (hint === undefined) return;
  const sum = pool.noteHint(sender, hint);
  if (log !== undefined) log.dopHint = sum;
}
