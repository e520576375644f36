import type { Clock as EmulatorClock } from 'dataverse-emulator';
import type { Clock } from '../../../src/dataverse/clock.ts';

const longestTimerMs = 2 ** 31 - 1;

/** A clock that runs `speed` times as fast as the real one, for client and emulator alike, so that minutes of waiting take seconds. */
export function scaledClock(speed: number): Clock & EmulatorClock {
  const startMs = Date.now();
  const realStartMs = performance.now();
  const now = () => startMs + (performance.now() - realStartMs) * speed;
  const until = async (atMs: number, signal?: AbortSignal) => {
    // Timers are coarse and may be early: at this speed a millisecond is long.
    for (let leftMs = atMs - now(); leftMs > 0; leftMs = atMs - now()) {
      signal?.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, Math.min(longestTimerMs, leftMs / speed)));
    }
    signal?.throwIfAborted();
  };
  return { now, until, sleep: (ms, signal) => until(now() + ms, signal) };
}
