import type { OrchestrationContext, Task } from 'durable-functions';
import { troubled, type RunStage } from '../plan/progress.ts';

/** Part of an orchestrator: yields durable tasks, returns a value. */
export type Steps<Result> = Generator<Task, Result, unknown>;

/** Schedules one durable task and gives its result the type its contract says. */
export function* run<Result>(task: Task): Steps<Result> {
  return (yield task) as Result;
}

const mostAttempts = 5;
const firstDelayMs = 5_000;
const longestDelayMs = 60_000;

export interface PersistentStep {
  readonly activity: string;
  readonly stage: RunStage;
  readonly input: unknown;
}

/**
 * Calls an activity again when the platform under it failed (storage, host). Activities return what a caller should know as data, so
 * whatever they throw is worth another try; the last error is thrown. The custom status says meanwhile what the trouble is.
 */
export function* persist<Result>(
  context: OrchestrationContext,
  { activity, stage, input }: PersistentStep,
): Steps<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return yield* run<Result>(context.df.callActivity(activity, input));
    } catch (error) {
      if (attempt === mostAttempts) throw error;
      context.df.setCustomStatus(troubled(stage, `Attempt ${attempt} of ${mostAttempts} failed: ${reasonOf(error)}`));
    }
    yield timerIn(context, Math.min(longestDelayMs, firstDelayMs * 2 ** (attempt - 1)));
  }
}

export function timerIn(
  context: OrchestrationContext,
  delayMs: number,
): ReturnType<OrchestrationContext['df']['createTimer']> {
  const fireAt = context.df.currentUtcDateTime;
  fireAt.setTime(fireAt.getTime() + delayMs);
  return context.df.createTimer(fireAt);
}

/** The message of a failure without the stack that the platform puts behind it: it is shown to callers. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split(' \n ')[0] ?? text;
}
