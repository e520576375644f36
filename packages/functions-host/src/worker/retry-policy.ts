import { isObject } from '../json.ts';

/** A function's own retry policy (learn.microsoft.com/azure/azure-functions/functions-bindings-error-pages#retry-policies). */
export interface RetryPolicy {
  /** -1 = without end. */
  readonly maxRetryCount: number;
  /** The wait before a retry; they count from 1. */
  readonly delayMs: (retryCount: number) => number;
}

/** Reads `retry` of a registration as the programming model hands it on; undefined if there is none. */
export function readRetryPolicy(options: unknown): RetryPolicy | undefined {
  if (!isObject(options) || typeof options['maxRetryCount'] !== 'number') return undefined;
  const { maxRetryCount } = options;
  if (options['retryStrategy'] === 'fixedDelay') {
    const everyMs = durationMs(options['delayInterval']);
    return { maxRetryCount, delayMs: () => everyMs };
  }
  const [leastMs, mostMs] = [durationMs(options['minimumInterval']), durationMs(options['maximumInterval'])];
  return { maxRetryCount, delayMs: (retryCount) => Math.min(mostMs, leastMs * 2 ** (retryCount - 1)) };
}

/** Intervals arrive as `{ seconds }`. */
function durationMs(interval: unknown): number {
  return isObject(interval) ? Number(interval['seconds'] ?? 0) * 1000 : 0;
}
