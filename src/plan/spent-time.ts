import { hundredths } from './sum.ts';

/** Seconds of sending by piece of time, oldest first. Plain JSON of about 300 bytes, so that the durable entity can keep one for every server. */
export interface Spent {
  /** End of what was noted; the last piece reaches to here. */
  readonly toMs: number;
  readonly seconds: readonly number[];
}

export const nothingSpent: Spent = { toMs: 0, seconds: [] };

/** The window of the service protection limits (learn.microsoft.com/power-apps/developer/data-platform/api-limits). */
export const windowSeconds = 300;
const windowMs = windowSeconds * 1_000;
const pieceMs = 10_000;
/** The window, and the length of a wave before whose end a refusal in it is not heard of. */
const mostPieces = (2 * windowMs) / pieceMs;

const pieceOf = (atMs: number): number => Math.floor(atMs / pieceMs);

/** Adds work that was spread evenly over a time. */
export function addSpent(
  spent: Spent,
  work: { readonly fromMs: number; readonly toMs: number; readonly laneSeconds: number },
): Spent {
  const toMs = Math.max(spent.toMs, work.toMs);
  const last = pieceOf(toMs - 1);
  const first = last - mostPieces + 1;
  const known = pieceOf(spent.toMs - 1) - spent.seconds.length + 1;
  const begun = Math.max(first, Math.min(pieceOf(work.fromMs), spent.seconds.length === 0 ? Infinity : known));
  const lengthMs = Math.max(1, work.toMs - work.fromMs);
  const seconds: number[] = [];
  for (let piece = begun; piece <= last; piece += 1) {
    const inside = Math.min(work.toMs, (piece + 1) * pieceMs) - Math.max(work.fromMs, piece * pieceMs);
    const more = inside <= 0 ? 0 : (work.laneSeconds * Math.min(lengthMs, inside)) / lengthMs;
    seconds.push(hundredths((spent.seconds[piece - known] ?? 0) + more));
  }
  return { toMs, seconds };
}

/** Lane seconds spent between two moments. */
export function spentBetween({ toMs: endMs, seconds }: Spent, fromMs: number, toMs: number): number {
  const first = pieceOf(endMs - 1) - seconds.length + 1;
  let total = 0;
  for (const [at, amount] of seconds.entries()) {
    const pieceFromMs = (first + at) * pieceMs;
    const pieceToMs = Math.min(endMs, pieceFromMs + pieceMs);
    const inside = Math.max(0, Math.min(pieceToMs, toMs) - Math.max(pieceFromMs, fromMs));
    total += (amount * inside) / Math.max(1, pieceToMs - pieceFromMs);
  }
  return total;
}

/** Average number of requests in flight over the window: what was really used of the execution-time budget, whatever the lanes. */
export const inFlightOverWindow = (spent: Spent, nowMs: number): number =>
  spentBetween(spent, nowMs - windowMs, nowMs) / windowSeconds;

/** Average in flight that the next seconds have room for, when so much is allowed over a window: what leaves the window, and what is free. */
export const roomFor = (
  spent: Spent,
  allowed: number,
  { nowMs, seconds }: { readonly nowMs: number; readonly seconds: number },
): number => roomBy(spent, allowed, nowMs, seconds) / seconds;

const roomBy = (spent: Spent, allowed: number, nowMs: number, seconds: number): number =>
  allowed * windowSeconds - spentBetween(spent, nowMs - windowMs + seconds * 1_000, nowMs);

/** Steps of a pace. */
export const paceSeconds = pieceMs / 1_000;

/**
 * Seconds of sending that may have been used by the end of each ten seconds, when so much is allowed over a window and never more than `most` in
 * flight. It follows what leaves the window, so that the sum stays below the limit at every moment, however uneven the past was.
 */
export function paceFor(
  spent: Spent,
  plan: {
    readonly allowed: number;
    /** What the window must not hold more of for sending to begin. */
    readonly limit: number;
    readonly most: number;
    readonly nowMs: number;
    readonly seconds: number;
    readonly notBeforeMs: number;
  },
): readonly number[] {
  const pace: number[] = [];
  let used = 0;
  for (let at = paceSeconds; at < plan.seconds + paceSeconds; at += paceSeconds) {
    const begins = at - paceSeconds;
    const isOpen = plan.nowMs + begins * 1_000 >= plan.notBeforeMs && roomBy(spent, plan.limit, plan.nowMs, begins) > 0;
    const room = isOpen ? roomBy(spent, plan.allowed, plan.nowMs, at) : 0;
    used = Math.max(used, Math.min(used + plan.most * paceSeconds, room));
    pace.push(hundredths(used));
  }
  return pace;
}

/** The same work in other proportion: of servers that joined, left, or are told apart from now on. */
export const scaleSpent = ({ toMs, seconds }: Spent, factor: number): Spent => ({
  toMs,
  seconds: seconds.map((amount) => hundredths(amount * factor)),
});

export const sumSpent = (all: readonly Spent[]): Spent =>
  all.reduce((sum, spent) => {
    const toMs = Math.max(sum.toMs, spent.toMs);
    const first = (one: Spent): number => pieceOf(one.toMs - 1) - one.seconds.length + 1;
    const [from, last] = [Math.min(first(sum), first(spent)), pieceOf(toMs - 1)];
    const seconds = Array.from(
      { length: Math.min(mostPieces, last - from + 1) },
      (_, at) => at + Math.max(from, last - mostPieces + 1),
    ).map((piece) => hundredths((sum.seconds[piece - first(sum)] ?? 0) + (spent.seconds[piece - first(spent)] ?? 0)));
    return { toMs, seconds };
  });

/** The oldest moment anything is noted of. */
export const spentSince = ({ toMs, seconds }: Spent): number =>
  seconds.length === 0 ? Infinity : (pieceOf(toMs - 1) - seconds.length + 1) * pieceMs;
