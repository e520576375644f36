import { randomUUID } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { isFramed, isMultipart, isReadable } from './answer-form.ts';
import { apiRoot } from './api-root.ts';
import { readClaimsChallenge } from './claims-challenge.ts';
import type { ClientRequest } from './client-request.ts';
import type { Clock, Random } from './clock.ts';
import type { Connection } from './connection.ts';
import type { ServiceFault } from './error-table.ts';
import { factsOfFault, MalformedAnswerError, TransientError } from './errors.ts';
import type { ErrorFacts } from './errors.ts';
import { baseHeaders, parseDopHint } from './headers.ts';
import { longestOverrunMs } from './late-effects.ts';
import { readFault } from './read-error.ts';
import { asksForPauses, readRetryAfter } from './retry-after.ts';
import { readTimeoutMs, requestTimeoutMs, sendOnce } from './send.ts';
import type { Answer, HttpRequest } from './send.ts';
import type { Sender, SenderPool } from './sender-pool.ts';
import type { ServerClock } from './server-clock.ts';
import type { Pass, PassResult, ThrottleGate, ToldWait } from './throttle-gate.ts';

export interface AttemptDeps {
  readonly connection: Pick<Connection, 'clientIds'>;
  readonly origin: string;
  readonly pool: SenderPool;
  readonly serverClock: ServerClock;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly random: Random;
  readonly requestTimeoutMs?: number;
}

/** What one send came to. */
export type Reply<T> =
  | { readonly kind: 'value'; readonly value: T; readonly ms: number }
  | Refusal
  | { readonly kind: 'lost'; readonly error: TransientError }
  /** The gate closed while the token was fetched. */
  | { readonly kind: 'notSent' };

export interface Refusal extends RefusedToken {
  readonly kind: 'refusal';
  readonly fault: ServiceFault;
  readonly facts: ErrorFacts;
  /** A batch that was stopped on its way: operations before the stop stay committed. */
  readonly isPartial: boolean;
}

/** The identity whose token was refused tries again itself: nobody else would see to a fresh one. */
export interface RefusedToken {
  readonly sender: Sender;
  readonly token: string;
  /** What a fresh token has to bring with it. */
  readonly claims?: string | undefined;
}

/** One send on its way. */
interface Passage {
  readonly sender: Sender;
  readonly gate: ThrottleGate;
  readonly pass: Pass;
  sentAtMs?: number;
  /** The server that answered. */
  by: string | null;
  result: PassResult;
  isThrottled: boolean;
}

/** Sends a request once, as soon as the gate of its identity lets it. Throws `ThrottledError` and the signal's reason. */
export async function attempt<T>(
  deps: AttemptDeps,
  request: ClientRequest<T>,
  refused: RefusedToken | undefined,
): Promise<Reply<T>> {
  const sender = refused?.sender ?? senderFor(deps.pool, request);
  const gate = sender.gates.at(request.pin?.server ?? null);
  const pass = await gate.enter({ deadlineAtMs: request.deadlineAtMs, signal: request.signal });
  const passage: Passage = { sender, gate, pass, by: null, result: 'lost', isThrottled: false };
  try {
    const { tokens } = sender;
    const token = await (refused === undefined ? tokens.get() : tokens.refresh(refused.token, refused.claims));
    if (!gate.isValid(pass)) return { kind: 'notSent' };
    return await sendAndRead(deps, request, passage, token);
  } catch (error) {
    if (error instanceof MalformedAnswerError) {
      return { kind: 'lost', error: new TransientError(error.message, { maybeCommitted: true, cause: error }) };
    }
    if (error instanceof TransientError) return { kind: 'lost', error };
    throw error;
  } finally {
    arrive(deps, request, passage);
  }
}

async function sendAndRead<T>(
  deps: AttemptDeps,
  request: ClientRequest<T>,
  passage: Passage,
  token: string,
): Promise<Reply<T>> {
  const { clock } = deps;
  if (clock.now() > request.deadlineAtMs + longestOverrunMs)
    throw new TransientError('The process was held up for too long to send this now.', { maybeCommitted: false });
  const clientRequestId = randomUUID();
  const sentAtMs = clock.now();
  passage.sentAtMs = sentAtMs;
  if (request.log !== undefined) request.log.requests += 1;
  const answer = await sendOnce(deps.dispatcher, httpRequest(deps, request, { token, clientRequestId }));
  const heardAtMs = clock.now();
  deps.serverClock.note(answer.header('date'), { sentAtMs, heardAtMs });
  noteDopHint(deps.pool, passage.sender, request, answer);
  passage.by = request.pin?.hear(answer) ?? null;
  request.heard?.(answer);
  if (isReadable(answer)) {
    passage.result = 'answered';
    const value = readAnswer(request, answer, (told) => {
      const waitMs = passage.gate.throttled(passage.pass, told);
      spread(deps, request, passage, { facet: told.facet, retryAfterMs: waitMs });
      noteThrottled(request, clock.now());
      return waitMs;
    });
    if (value !== undefined) return { kind: 'value', value: value.read, ms: heardAtMs - sentAtMs };
  }
  return refusalIn(answer, { passage, token, clientRequestId, nowMs: clock.now() });
}

function refusalIn(
  answer: Answer,
  sent: { readonly passage: Passage; readonly token: string; readonly clientRequestId: string; readonly nowMs: number },
): Refusal {
  const { passage, token, clientRequestId, nowMs } = sent;
  const serviceRequestId = answer.header('x-ms-service-request-id');
  const fault = readFault({
    httpStatus: answer.status,
    body: answer.body,
    serviceRequestId,
    mayBeCut: !isFramed(answer),
  });
  passage.result = passResult(answer, fault, nowMs);
  passage.isThrottled = fault.class === 'throttled';
  return {
    kind: 'refusal',
    fault,
    facts: { ...factsOfFault(fault), clientRequestId },
    sender: passage.sender,
    token,
    claims: fault.class === 'token' ? readClaimsChallenge(answer.headerList('www-authenticate')) : undefined,
    isPartial: isMultipart(answer) || fault.items !== undefined,
  };
}

/** Gives the pass back, and makes everybody wait whom the answer binds. */
function arrive<T>(deps: AttemptDeps, request: ClientRequest<T>, passage: Passage): void {
  const { gate, pass, result, sentAtMs, isThrottled } = passage;
  const { clock } = deps;
  if (request.log !== undefined && sentAtMs !== undefined && !isThrottled) request.log.busyMs += clock.now() - sentAtMs;
  const waitMs = gate.leave(pass, result);
  if (typeof result !== 'object') return;
  spread(deps, request, passage, { facet: result.facet, retryAfterMs: waitMs });
  if (!isThrottled) return;
  noteThrottled(request, clock.now());
  request.log?.throttles.push({ facet: result.facet, retryAfterMs: waitMs });
}

function spread<T>(
  { clock, pool }: AttemptDeps,
  { pin, log }: ClientRequest<T>,
  { sender, gate, by }: Passage,
  told: ToldWait & { readonly retryAfterMs: number },
): void {
  const independent = pin?.independent ?? false;
  sender.gates.spread(told, { own: gate, by, independent });
  log?.ordered?.({
    sender: pool.senders.indexOf(sender),
    server: independent ? by : null,
    facet: told.facet,
    notBeforeAt: new Date(Math.ceil(clock.now() + told.retryAfterMs)).toISOString(),
  });
}

function noteThrottled<T>({ log }: ClientRequest<T>, nowMs: number): void {
  if (log !== undefined) log.firstThrottledAtMs ??= nowMs;
}

function noteDopHint<T>(pool: SenderPool, sender: Sender, { log }: ClientRequest<T>, answer: Answer): void {
  const hint = parseDopHint(answer.header('x-ms-dop-hint'));
  if (hint === undefined) return;
  const sum = pool.noteHint(sender, hint);
  if (log !== undefined) log.dopHint = sum;
}

function senderFor<T>(pool: SenderPool, request: ClientRequest<T>): Sender {
  const fixed = request.sender === undefined ? undefined : pool.senders[request.sender];
  return fixed ?? pool.pick(request.pin?.server ?? null);
}

function httpRequest<T>(
  deps: AttemptDeps,
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
