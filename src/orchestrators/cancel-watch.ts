import type { OrchestrationContext, Task } from 'durable-functions';
import { cancelEvent } from '../names.ts';
import { timerIn, type Steps } from './steps.ts';

/**
 * Hears of a cancel, for one generation of a run. An event goes to the latest wait for it that is still open, also to one that lost
 * against its timer long ago. So all waits are kept and asked again: a cancel that comes between two of them is not lost.
 */
export class CancelWatch {
  readonly #context: OrchestrationContext;
  readonly #waits: Task[] = [];

  constructor(context: OrchestrationContext) {
    this.#context = context;
  }

  get isHeard(): boolean {
    return this.#waits.some(({ isCompleted }) => isCompleted);
  }

  /** Waits on a durable timer, but no longer than until the run is cancelled; whether it was. */
  *isHeardWithin(delayMs: number): Steps<boolean> {
    if (this.isHeard) return true;
    const timer = timerIn(this.#context, delayMs);
    const cancel = this.#context.df.waitForExternalEvent(cancelEvent);
    this.#waits.push(cancel);
    const first = yield this.#context.df.Task.any([timer, cancel]);
    if (first === timer) return false;
    timer.cancel();
    return true;
  }
}
