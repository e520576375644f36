import type { OrchestrationContext } from 'durable-functions';
import { cancelEvent } from '../names.ts';
import { statusOf } from '../plan/progress.ts';
import { cancelled, waited, type RunState } from '../plan/run-state.ts';
import { timerIn, type Steps } from './steps.ts';

/** Waits on a durable timer so that nobody pays for sleeping, or until the run is cancelled. */
export function* pause(context: OrchestrationContext, run: RunState, seconds: number): Steps<RunState> {
  const delayMs = seconds * 1_000;
  const waitingUntil = new Date(context.df.currentUtcDateTime.getTime() + delayMs).toISOString();
  context.df.setCustomStatus(statusOf('waiting', run, { lanes: 0, waitingUntil }));
  return (yield* isCancelledWithin(context, delayMs)) ? cancelled(run) : waited(run);
}

/** Waits on a durable timer, but no longer than until the run is cancelled. */
export function* isCancelledWithin(context: OrchestrationContext, delayMs: number): Steps<boolean> {
  const timer = timerIn(context, delayMs);
  const cancel = context.df.waitForExternalEvent(cancelEvent);
  const first = yield context.df.Task.any([timer, cancel]);
  if (first === timer) return false;
  timer.cancel();
  return true;
}
