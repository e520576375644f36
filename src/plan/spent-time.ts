/** Seconds of sending between two moments. Plain JSON, so that it lives in the durable entity. */
export interface Spent {
  readonly fromMs: number;
  readonly toMs: number;
  readonly laneSeconds: number;
}

/** The window of the service protection limits (learn.microsoft.com/power-apps/developer/data-platform/api-limits). */
export const windowSeconds = 300;
/** Shorter pieces are joined, so that the list is bounded: 30 or so in a window. */
const pieceMs = 10_000;

export function addSpent(list: readonly Spent[], piece: Spent): readonly Spent[] {
  const living = list.filter(({ toMs }) => toMs > piece.toMs - windowSeconds * 1_000);
  const last = living.at(-1);
  if (last !== undefined && piece.toMs - last.fromMs <= pieceMs) {
    const joined = {
      ...last,
      toMs: Math.max(last.toMs, piece.toMs),
      laneSeconds: last.laneSeconds + piece.laneSeconds,
    };
    return [...living.slice(0, -1), joined];
  }
  return [...living, piece];
}

/** Lane seconds spent between two moments. */
export function spentBetween(list: readonly Spent[], fromMs: number, toMs: number): number {
  let seconds = 0;
  for (const piece of list) {
    const inside = Math.max(0, Math.min(piece.toMs, toMs) - Math.max(piece.fromMs, fromMs));
    seconds += (piece.laneSeconds * inside) / Math.max(1, piece.toMs - piece.fromMs);
  }
  return seconds;
}

/** Average number of requests in flight over the window: what was really used of the execution-time budget, whatever the lanes. */
export const inFlightOverWindow = (list: readonly Spent[], nowMs: number): number =>
  spentBetween(list, nowMs - windowSeconds * 1_000, nowMs) / windowSeconds;

/** Average in flight that the next seconds have room for, when so much is allowed over a window: what leaves the window, and what is free. */
export function roomFor(list: readonly Spent[], allowed: number, options: { nowMs: number; seconds: number }): number {
  const keptFromMs = options.nowMs - (windowSeconds - options.seconds) * 1_000;
  const kept = spentBetween(list, keptFromMs, options.nowMs);
  return (allowed * windowSeconds - kept) / options.seconds;
}
