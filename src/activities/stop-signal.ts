import type { StopMark } from '../ledger/marks.ts';
import type { Lane } from './lane.ts';

/** How often a lane that is at work, or waits, looks whether it shall stop. */
const lookEveryMs = 2_000;
/** What is nearly done may end; what waits, or is taken apart row by row, does not hold a cancel up for longer. */
const graceMs = 2_000;

/** The run was cancelled or paused while a lane waited for the environment. */
export class LaneStoppedError extends Error {
  readonly mark: StopMark;

  constructor(mark: StopMark) {
    super(`The run was ${mark}.`);
    this.mark = mark;
  }
}

/** Said once for all: without a reason each abort makes an exception of its own, stack included. */
const workIsOver = new Error('The work is over.');

/** Does work whose signal is aborted, with `LaneStoppedError`, soon after the run was cancelled or paused. */
export async function unlessStopped<T>(
  { deps: { clock, stopOf }, input: { runId } }: Pick<Lane, 'deps' | 'input'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const stop = new AbortController();
  const sleep = async (ms: number): Promise<void> => clock.sleep(ms, over.signal).catch(() => undefined);
  const watch = async (): Promise<void> => {
    for (;;) {
      await sleep(lookEveryMs);
      if (over.signal.aborted) return;
      const mark = await stopOf(runId);
      if (mark === undefined) continue;
      await sleep(graceMs);
      stop.abort(new LaneStoppedError(mark));
      return;
    }
  };
  void watch();
  try {
    return await work(stop.signal);
  } finally {
    over.abort(workIsOver);
  }
}
