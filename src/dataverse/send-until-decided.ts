import { attempt, type AttemptDeps, type Refusal, type RefusedToken } from './attempt.ts';
import type { ClientRequest, Sent } from './client-request.ts';
import { mayHaveCommitted } from './error-table.ts';
import { BatchRejectedError, RequestRejectedError, TransientError } from './errors.ts';
import type { Sender } from './sender-pool.ts';

const maxAttempts = 5;
const backoffBaseMs = 1_000;
const backoffCapMs = 30_000;
const maxBackoffInAllMs = 120_000;

/** What happened to a request so far. */
interface Course {
  /** Sends that used up an attempt. */
  attempts: number;
  waitedMs: number;
  maybeCommitted: boolean;
  /** The tokens that were refused: each identity may ask for a fresh one once. */
  readonly refusedTokens: Map<Sender, string>;
}

/** Sends a request until the service has decided on it. Throws what `Client.send` throws. */
export async function sendUntilDecided<T>(deps: AttemptDeps, request: ClientRequest<T>): Promise<Sent<T>> {
  const course: Course = { attempts: 0, waitedMs: 0, maybeCommitted: false, refusedTokens: new Map() };
  let refused: RefusedToken | undefined;
  for (;;) {
    const reply = await attempt(deps, request, refused);
    refused = undefined;
    if (reply.kind === 'value') {
      const { attempts, maybeCommitted } = course;
      return { value: reply.value, attempts: attempts + 1, maybeCommittedBefore: maybeCommitted, ms: reply.ms };
    }
    if (reply.kind === 'notSent') continue;
    if (reply.kind === 'refusal' && reply.fault.class === 'throttled') {
      course.maybeCommitted ||= reply.isPartial;
      continue;
    }
    if (reply.kind === 'refusal' && reply.fault.class === 'token' && !course.refusedTokens.has(reply.sender)) {
      course.refusedTokens.set(reply.sender, reply.token);
      refused = reply;
      continue;
    }
    course.attempts += 1;
    const error = reply.kind === 'lost' ? reply.error : errorOf(deps, request, course, reply);
    await pauseOrThrow(deps, request, course, error);
  }
}

/** Waits before the next attempt, where there may be one. */
async function pauseOrThrow<T>(
  { clock, random }: AttemptDeps,
  request: ClientRequest<T>,
  course: Course,
  error: TransientError | BatchRejectedError | RequestRejectedError,
): Promise<void> {
  if (!(error instanceof TransientError)) throw error;
  course.maybeCommitted ||= error.maybeCommitted;
  const isUnheard = error.maybeCommitted && error.serviceErrorCode === undefined;
  if (isUnheard && request.log !== undefined) request.log.unheardAtMs = clock.now();
  const pauseMs = random() * Math.min(backoffCapMs, backoffBaseMs * 2 ** (course.attempts - 1));
  course.waitedMs += pauseMs;
  const mayRepeat = request.repeatable || !error.maybeCommitted;
  const inTime = course.waitedMs <= maxBackoffInAllMs && clock.now() + pauseMs <= request.deadlineAtMs;
  const exhausted = course.attempts >= maxAttempts;
  if (exhausted || !mayRepeat || !inTime) throw asLast(error, { maybeCommitted: course.maybeCommitted, exhausted });
  await clock.sleep(pauseMs, request.signal);
}

function errorOf<T>(
  deps: AttemptDeps,
  request: ClientRequest<T>,
  course: Course,
  reply: Refusal,
): TransientError | BatchRejectedError | RequestRejectedError {
  const { fault, facts } = reply;
  if (fault.class === 'token') return new RequestRejectedError(describeRefusedToken(deps, course, reply), facts);
  if (fault.class === 'run') return new RequestRejectedError(fault.message, facts);
  if (fault.class === 'transient' || (fault.class === 'busy' && request.method === 'GET')) {
    return new TransientError(fault.message, { ...facts, maybeCommitted: mayHaveCommitted(fault) });
  }
  return new BatchRejectedError(fault, { ...facts, maybeCommittedBefore: course.maybeCommitted });
}

/**
 * The platform keeps the tokens of managed identities for up to a day and cannot be told to give another one
 * (learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations).
 */
function describeRefusedToken({ connection, pool }: AttemptDeps, { refusedTokens }: Course, refusal: Refusal): string {
  const { sender, token, fault } = refusal;
  const clientId = connection.clientIds[pool.senders.indexOf(sender)];
  const whose = clientId === undefined ? "the app's identity" : `identity ${clientId}`;
  const isSame = refusedTokens.get(sender) === token;
  const again = isSame ? 'and the platform, which may keep it for a day, gave no other one' : 'also a fresh one';
  return `The environment refuses the access token of ${whose}, ${again}: ${fault.message}`;
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
