import { setImmediate as turn } from 'node:timers/promises';

/** Time that passes only when nothing else can happen. */
export interface VirtualClock {
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly until: (atMs: number) => Promise<void>;
  /** Lets everything run until `done` settles. Throws when nothing is left to wait for, or when time is up. */
  readonly run: <T>(done: Promise<T>, limitMs: number) => Promise<T>;
}

/** Turns of the event loop without which promises and streams are not through. */
const quietTurns = 4;

export function createVirtualClock(startMs: number): VirtualClock {
  let nowMs = startMs;
  let order = 0;
  const timers: { readonly atMs: number; readonly order: number; readonly wake: () => void }[] = [];
  const until = (atMs: number): Promise<void> =>
    atMs <= nowMs
      ? Promise.resolve()
      : new Promise((wake) => {
          timers.push({ atMs, order: (order += 1), wake });
          timers.sort((left, right) => left.atMs - right.atMs || left.order - right.order);
        });
  return {
    now: () => nowMs,
    until,
    sleep: (ms) => until(nowMs + ms),
    async run(done, limitMs) {
      const end = { settled: false };
      void done.then(
        () => (end.settled = true),
        () => (end.settled = true),
      );
      for (;;) {
        for (let turns = 0; turns < quietTurns && !end.settled; turns += 1) await turn();
        if (end.settled) return done;
        const timer = timers.shift();
        if (timer === undefined) throw new Error('Nothing is left to wait for, and the run has not ended.');
        if (timer.atMs > startMs + limitMs) throw new Error(`The run has not ended within ${limitMs / 1_000} s.`);
        nowMs = Math.max(nowMs, timer.atMs);
        timer.wake();
      }
    },
  };
}
