import { givenUpText } from './poison.ts';
import { limitReached } from './run-limits.ts';
import type { RunSpec } from './run-spec.ts';
import type { RunEnding, RunState } from './run-state.ts';

/** Ends a run that has used up its time, or makes no progress. */
export function withinLimits(run: RunState, { options }: RunSpec, nowMs: number): RunState {
  const limit = limitReached(run, options, nowMs);
  if (limit === undefined) return run;
  return { ...run, ending: { state: 'stalled', reason: `${limit} ${run.note ?? ''}`.trim() } };
}

/** Rows that nobody may have heard of are looked up before the books close. */
export const hasDoubts = (run: RunState): boolean => run.ending !== null || run.givenUp > 0;

/** How a run ends whose doubtful rows have been looked up. */
export function endingAfter({ ending, givenUp }: RunState, lostRows: number): RunEnding {
  if (ending !== null) return ending;
  if (givenUp === 0) return { state: 'completed' };
  const reason = givenUpText(givenUp);
  return lostRows === 0 ? { state: 'completed', reason } : { state: 'stopped', reason };
}
