import type { OrchestrationContext } from 'durable-functions';
import type { BulkRunInput } from '../plan/payloads.ts';
import { statusOf } from '../plan/progress.ts';
import { secondsLeft } from '../plan/run-limits.ts';
import { cancelled, waited, type RunState } from '../plan/run-state.ts';
import type { CancelWatch } from './cancel-watch.ts';
import type { Steps } from './steps.ts';

/** What a run waits for. */
export interface Wait {
  readonly seconds: number;
  readonly ordered: boolean;
}

/**
 * Waits on a durable timer so that nobody pays for sleeping, until the run is cancelled, or no longer than until it has to be given up.
 */
export function* pause(
  context: OrchestrationContext,
  cancel: CancelWatch,
  input: BulkRunInput,
  run: RunState,
  { seconds, ordered }: Wait,
): Steps<RunState> {
  const beganMs = context.df.currentUtcDateTime.getTime();
  const meantSeconds = Math.max(1, Math.min(seconds, Math.ceil(secondsLeft(run, input.spec.options, beganMs))));
  const delayMs = meantSeconds * 1_000;
  const waitingUntil = new Date(beganMs + delayMs).toISOString();
  context.df.setCustomStatus(statusOf('waiting', run, { lanes: 0, waitingUntil }));
  if (yield* cancel.isHeardWithin(delayMs)) return cancelled(run);
  const endedMs = context.df.currentUtcDateTime.getTime();
  return waited(run, { meantSeconds, seconds: (endedMs - beganMs) / 1_000, ordered });
}
