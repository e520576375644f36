/** Where time comes from. The models never read the system clock themselves. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves once `now()` has reached `atMs`; at once when it already has. */
  until(atMs: number): Promise<void>;
}

/** Timers of the system can neither wait longer nor be trusted to wait that long to the millisecond: they fire early at times. */
const longestTimerMs = 2 ** 31 - 1;

async function waitUntil(now: () => number, atMs: number, factor: number): Promise<void> {
  for (let restMs = atMs - now(); restMs > 0; restMs = atMs - now()) {
    const timerMs = Math.min(Math.ceil(restMs / factor), longestTimerMs);
    await new Promise((resolve) => setTimeout(resolve, timerMs));
  }
}

/** Time that passes `factor` times as fast as the system's, from now on. */
export function scaledClock(factor: number): Clock {
  const startMs = Date.now();
  const now = (): number => startMs + (Date.now() - startMs) * factor;
  return { now, until: (atMs) => waitUntil(now, atMs, factor) };
}

export const systemClock: Clock = {
  now: () => Date.now(),
  until: (atMs) => waitUntil(Date.now, atMs, 1),
};

/** Time that passes only when told to. */
export interface VirtualClock extends Clock {
  /** What waits for a time up to the new one goes on, in order of its time. */
  advance(ms: number): Promise<void>;
}

interface Waiter {
  readonly atMs: number;
  readonly wake: () => void;
}

export function virtualClock(startMs: number): VirtualClock {
  let nowMs = startMs;
  const waiters: Waiter[] = [];
  return {
    now: () => nowMs,
    until: (atMs) => (atMs <= nowMs ? Promise.resolve() : new Promise((wake) => void waiters.push({ atMs, wake }))),
    advance: async (ms) => {
      const endMs = nowMs + ms;
      for (;;) {
        const due = waiters.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (due === undefined) break;
        waiters.splice(waiters.indexOf(due), 1);
        nowMs = Math.max(nowMs, due.atMs);
        due.wake();
        // What was woken runs to its next wait before time goes on.
        await new Promise((resolve) => setImmediate(resolve));
      }
      nowMs = endMs;
    },
  };
}
