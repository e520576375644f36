import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Looks at the event loop every millisecond, as far as it lets us. */
export interface LoopWatch {
  /** Ends the watch. */
  readonly stop: () => { readonly longestBlockMs: number; readonly longestBusyMs: number };
}

const everyMs = 1;

export function watchLoop(): LoopWatch {
  const delays = monitorEventLoopDelay({ resolution: everyMs });
  delays.enable();
  let longestBusyMs = 0;
  let before = process.threadCpuUsage();
  const look = () => {
    const { user, system } = process.threadCpuUsage(before);
    longestBusyMs = Math.max(longestBusyMs, (user + system) / 1_000);
    before = process.threadCpuUsage();
  };
  const timer = setInterval(look, everyMs);
  return {
    stop() {
      look();
      clearInterval(timer);
      delays.disable();
      return { longestBlockMs: Math.max(0, delays.max / 1e6 - everyMs), longestBusyMs };
    },
  };
}
