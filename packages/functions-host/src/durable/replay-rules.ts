import { isObject, toJson, tryParse } from '../json.ts';
import type { DurableHttpRequest, RetryOptions } from './actions.ts';
import type { Decision } from './decisions.ts';
import type { HistoryEvent } from './history.ts';
import { faultOfInstanceId } from './instances.ts';

/** The execution cannot go on; unlike a failure of user code, open tasks are not waited for. */
export class ReplayError extends Error {
  readonly kind = 'replay';
}

/** The longest wait between attempts that .NET can express (TimeSpan.MaxValue). */
const maxRetryDelayMs = 922_337_203_685_477;

/** The wait after a failed attempt; attempts count from 1. Throws ReplayError where it goes beyond all measure. */
export function retryDelayMs(options: RetryOptions, attemptNumber: number): number {
  const grownMs = options.firstRetryIntervalInMilliseconds * (options.backoffCoefficient ?? 1) ** (attemptNumber - 1);
  const delayMs = Math.min(grownMs, options.maxRetryIntervalInMilliseconds ?? Number.POSITIVE_INFINITY);
  if (delayMs <= maxRetryDelayMs) return delayMs;
  throw new ReplayError(`a retry would have to wait ${delayMs} ms; set maxRetryIntervalInMilliseconds.`);
}

/** What an activity's input looks like on the wire: strings come encoded already; booleans take .NET's spelling, as in Azure. */
export function activityInput(input: unknown): string | null {
  if (input === undefined || input === null) return null;
  if (typeof input === 'string') return input;
  if (typeof input === 'boolean') return input ? 'True' : 'False';
  return toJson(input);
}

/** An entity's input travels as JSON text, and not at all if there is none. */
export function entityInput(input: unknown): { input?: string } {
  return input === undefined ? {} : { input: toJson(input) };
}

/** Where to ask again after a 202, as the asynchronous HTTP pattern has it. */
export function pollLocation(
  request: DurableHttpRequest,
  event: HistoryEvent | undefined,
): { uri: string; retryAfterMs: number | undefined } | undefined {
  const result = tryParse(event?.Result ?? '');
  if (
    request.asynchronousPatternEnabled === false ||
    !isObject(result) ||
    result['statusCode'] !== 202 ||
    !isObject(result['headers'])
  )
    return undefined;
  const headers = new Map(
    Object.entries(result['headers']).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  const location = headers.get('location');
  if (location === undefined) return undefined;
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN);
  return {
    uri: new URL(location, request.uri).href,
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined,
  };
}

/** Milliseconds of the time that a timer was given. */
export function timerMs(fireAt: unknown): number {
  const atMs = typeof fireAt === 'string' ? Date.parse(fireAt) : Number.NaN;
  if (Number.isNaN(atMs)) throw new ReplayError(`a timer needs a valid date, not ${toJson(fireAt)}.`);
  return atMs;
}

/** What a child's id has to look like; empty for one that the host makes. */
export function childId(instanceId: unknown): string {
  if (instanceId === undefined || instanceId === null || instanceId === '') return '';
  const fault = typeof instanceId === 'string' ? faultOfInstanceId(instanceId) : 'it must be text.';
  if (fault === undefined) return instanceId as string;
  throw new ReplayError(`a sub-orchestration cannot have the instance id ${toJson(instanceId)}: ${fault}`);
}

const kindWords: Record<Decision['kind'], string> = {
  task: 'an activity',
  timer: 'a timer',
  child: 'a sub-orchestration',
  message: 'an entity message',
};

/** The history and the orchestrator disagree about what a number stands for. */
export function nonDeterminism(
  event: HistoryEvent,
  recorded: Decision['kind'],
  decision: Decision | undefined,
): ReplayError {
  const before = `${kindWords[recorded]}${event.Name === undefined ? '' : ` '${event.Name}'`}`;
  const now = decision ? `${kindWords[decision.kind]}${'name' in decision ? ` '${decision.name}'` : ''}` : 'nothing';
  return new ReplayError(
    `Non-Deterministic workflow detected: the history holds ${before} as number ${event.EventId}, but this time the orchestrator scheduled ${now} there. ` +
      'Was its code changed while this instance was running, or does it depend on time, chance or the environment?',
  );
}

/** Durable functions waits for a timer that the Durable extension creates no more once the retry timeout has passed. */
export function refuseExpiredRetry(options: RetryOptions, startedMs: number, nowMs: number): void {
  const timeoutMs = options.retryTimeoutInMilliseconds;
  if (timeoutMs === undefined || nowMs < startedMs + timeoutMs) return;
  throw new ReplayError(
    `the retry timeout (retryTimeoutInMilliseconds = ${timeoutMs}) has passed. In Azure this orchestration would now hang for ever: ` +
      'durable-functions waits for a retry timer that the Durable extension no longer creates. Limit the number of attempts instead.',
  );
}

/** The request that asks again after a 202; the functions key of the first request is not handed on. */
export function pollRequest(request: DurableHttpRequest, uri: string): DurableHttpRequest {
  const kept = Object.entries(request.headers ?? {}).filter(([name]) => name.toLowerCase() !== 'x-functions-key');
  return { ...request, method: 'GET', uri, content: null, headers: Object.fromEntries(kept) };
}
