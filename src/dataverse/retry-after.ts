const shortestMs = 1_000;
const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * How long a `Retry-After` tells us to wait, in milliseconds, at least one second; undefined when it is missing or says nothing.
 * A date is counted from the answer's own `Date`, so a wrong clock here does no harm (RFC 9110 section 10.2.3).
 */
export function readRetryAfter(answer: {
  readonly retryAfter: string | undefined;
  readonly date: string | undefined;
  readonly nowMs: number;
}): number | undefined {
  const text = answer.retryAfter?.trim() ?? '';
  if (/^-?\d+(\.\d+)?$/.test(text)) return Math.max(shortestMs, Math.ceil(Number(text)) * 1_000);
  if (!httpDate.test(text)) return undefined;
  const until = Date.parse(text);
  const answered = answer.date !== undefined && httpDate.test(answer.date) ? Date.parse(answer.date) : answer.nowMs;
  return Number.isNaN(until) || Number.isNaN(answered) ? undefined : Math.max(shortestMs, until - answered);
}

const firstUntoldMs = 30_000;
const longestUntoldMs = 300_000;

/** The wait after a throttle that names none: 30 s, doubled for each such throttle in a row, at most 300 s. */
export function untoldWaitMs(inARow: number): number {
  return Math.min(longestUntoldMs, firstUntoldMs * 2 ** (inARow - 1));
}
