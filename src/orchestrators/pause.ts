import type { OrchestrationContext } from 'durable-functions';
import { statusOf } from '../plan/progress.ts';
import { cancelled, waited, type RunState } from '../plan/run-state.ts';
import type { CancelWatch } from './cancel-watch.ts';
import type { Steps } from './steps.ts';

/** Waits on a durable timer so that nobody pays for sleeping, or until the run is cancelled. */
export function* pause(
  context: OrchestrationContext,
  cancel: CancelWatch,
  run: RunState,
  seconds: number,
): Steps<RunState> {
  const delayMs = seconds * 1_000;
  const waitingUntil = new Date(context.df.currentUtcDateTime.getTime() + delayMs).toISOString();
  context.df.setCustomStatus(statusOf('waiting', run, { lanes: 0, waitingUntil }));
  return (yield* cancel.isHeardWithin(delayMs)) ? cancelled(run) : waited(run);
}
