import { readHttpDate } from './http-date.ts';

const shortestMs = 1_000;
/** A run lives no longer than a day, and what names more is no wait that anybody meant. */
const longestMs = 24 * 60 * 60_000;

/**
 * How long a `Retry-After` tells us to wait, in milliseconds, from one second to one day; undefined when it is missing or says nothing.
 * A date is counted from the answer's own `Date`, so a wrong clock here does no harm (RFC 9110 section 10.2.3). Of several values the
 * longest counts.
 */
export function readRetryAfter(answer: {
  readonly retryAfter: string | undefined;
  readonly date: string | undefined;
  readonly nowMs: number;
}): number | undefined {
  const text = answer.retryAfter?.trim() ?? '';
  const waitMs = millisecondsIn(text) ?? untilDate(text, answer);
  return waitMs === undefined ? undefined : Math.min(longestMs, Math.max(shortestMs, waitMs));
}

/** Seconds, decimals rounded up; a span of time as the .NET SDK writes it; several of them, from a header that came twice. */
function millisecondsIn(text: string): number | undefined {
  const seconds = text.split(/, +/).map(secondsIn);
  return seconds.includes(undefined) ? undefined : Math.ceil(Math.max(...seconds.map(Number))) * 1_000;
}

function secondsIn(text: string): number | undefined {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  const span = /^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)$/
    .exec(text)
    ?.slice(1)
    .map((part: string | undefined) => Number(part ?? 0));
  if (span === undefined) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = span;
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

function untilDate(text: string, { date, nowMs }: { readonly date: string | undefined; readonly nowMs: number }) {
  const until = readHttpDate(text);
  return until === undefined ? undefined : until - (readHttpDate(date) ?? nowMs);
}

const firstUntoldMs = 30_000;
const longestUntoldMs = 300_000;

/** The wait after a throttle that names none: 30 s, doubled for each such throttle in a row, at most 300 s. */
export function untoldWaitMs(inARow: number): number {
  return Math.min(longestUntoldMs, firstUntoldMs * 2 ** (inARow - 1));
}

/** Statuses with which a `Retry-After` is meant for all that is sent under the identity. */
export function asksForPauses(httpStatus: number): boolean {
  return httpStatus === 429 || httpStatus === 503;
}
