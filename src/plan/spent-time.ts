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
    const joined = { ...last, toMs: Math.max(last.toMs, piece.toMs), laneSeconds: last.laneSeconds + piece.laneSeconds };
    return [...living.slice(0, -1), joined];
  }
  return [...living, piece];
}

/** Average number of requests in flight over the window: what was really used of the execution-time budget, whatever the lanes. */
export function inFlightOverWindow(list: readonly Spent[], nowMs: number): number {
  const beginMs = nowMs - windowSeconds * 1_000;
  let seconds = 0;
  for (const { fromMs, toMs, laneSeconds } of list) {
    const inside = Math.max(0, Math.min(toMs, nowMs) - Math.max(fromMs, beginMs));
    seconds += (laneSeconds * inside) / Math.max(1, toMs - fromMs);
  }
  return seconds / windowSeconds;
}
