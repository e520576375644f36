import { toJson } from '../json.ts';
import { ActionPerformer } from './action-performer.ts';
import type { PerformerOptions } from './action-performer.ts';
import type { Action, OrchestratorState } from './actions.ts';
import type { Completion, Decision } from './decisions.ts';
import { eventTypes } from './history.ts';
import type { HistoryEvent } from './history.ts';
import { ReplayError } from './replay-rules.ts';

export interface ReplayInput extends PerformerOptions {
  readonly functionName: string;
  /** The whole history of the execution, this turn's events included. */
  readonly history: readonly HistoryEvent[];
  /** What the orchestrator gave back when it saw that history. */
  readonly state: OrchestratorState;
}

export interface ReplayResult {
  readonly decisions: readonly Decision[];
  readonly completion: Completion | undefined;
  readonly suspended: boolean;
  /** How many activities and children the execution still waits for. */
  readonly awaited: number;
}

/**
 * Replays an orchestrator's actions against its history and finds what is new.
 *
 * The library reports all actions of the execution, without numbers. The Durable extension performs that list from the start, each
 * action awaited before the next, on top of the Durable Task Framework, which numbers the calls and matches them with the history;
 * this does the same (github.com/Azure/azure-functions-durable-extension, OutOfProcOrchestrationShim.cs; github.com/Azure/durabletask,
 * TaskOrchestrationContext.cs). Cost is linear in history and actions.
 */
export function replay(input: ReplayInput): ReplayResult {
  const execution = new Replay(input);
  try {
    return execution.run();
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error;
    return { decisions: [], completion: failure(input.functionName, error.message), suspended: false, awaited: 0 };
  }
}

/** A failed execution, worded as the Durable extension words it. */
export function failure(
  functionName: string,
  message: string,
  details: { stack?: string; failureDetails?: OrchestratorState['failureDetails'] } = {},
): Completion {
  const completion = {
    status: 'Failed',
    output: `Orchestrator function '${functionName}' failed: ${message}`,
    stack: details.stack ?? '',
  } as const;
  return details.failureDetails ? { ...completion, failureDetails: details.failureDetails } : completion;
}

/** Walks the history and performs the actions in step with it. */
class Replay {
  readonly #input: ReplayInput;
  readonly #performer: ActionPerformer;
  readonly #actions: readonly Action[];
  #cursor = 0;
  #listDone = false;
  #suspended = false;
  /** What arrived while suspended. */
  readonly #heldBack: HistoryEvent[] = [];
  readonly #carriedOver: HistoryEvent[] = [];
  #terminated: Completion | undefined;

  constructor(input: ReplayInput) {
    this.#input = input;
    this.#performer = new ActionPerformer(input);
    this.#actions = input.state.actions.flat();
  }

  run(): ReplayResult {
    for (const event of this.#input.history) this.#take(event);
    if (this.#terminated) return { decisions: [], completion: this.#terminated, suspended: false, awaited: 0 };
    if (this.#suspended) return { decisions: [], completion: undefined, suspended: true, awaited: 0 };
    const { work } = this.#performer;
    const completion = this.#listDone && !work.hasOpen ? this.#complete() : undefined;
    if (completion) this.#performer.releaseLocks();
    return { decisions: work.unconfirmed, completion, suspended: false, awaited: work.awaited };
  }

  #complete(): Completion | undefined {
    const { state, functionName } = this.#input;
    if (state.error !== undefined) {
      return failure(functionName, state.error, state.failureDetails ? { failureDetails: state.failureDetails } : {});
    }
    const { continueInput } = this.#performer;
    if (continueInput !== undefined) {
      return { status: 'ContinuedAsNew', input: continueInput, carriedOver: this.#carriedOver };
    }
    return state.isDone ? { status: 'Completed', output: toJson(state.output) } : undefined;
  }

  #take(event: HistoryEvent): void {
    if (event.EventType === eventTypes.orchestratorStarted) {
      this.#performer.nowMs = Math.max(this.#performer.nowMs, Date.parse(event.Timestamp));
    } else if (event.EventType === eventTypes.executionTerminated) {
      this.#terminated = { status: 'Terminated', output: event.Input ?? null };
    } else if (event.EventType === eventTypes.executionResumed) {
      this.#suspended = false;
      for (const held of this.#heldBack.splice(0)) this.#take(held);
    } else if (this.#suspended) {
      this.#heldBack.push(event);
    } else {
      this.#process(event);
    }
  }

  #process(event: HistoryEvent): void {
    const { work } = this.#performer;
    switch (event.EventType) {
      case eventTypes.executionStarted:
        this.#advance();
        break;
      case eventTypes.executionSuspended:
        this.#suspended = true;
        break;
      case eventTypes.taskScheduled:
        work.confirm(event, 'task');
        break;
      case eventTypes.timerCreated:
        work.confirm(event, 'timer');
        break;
      case eventTypes.childCreated:
        work.confirm(event, 'child');
        break;
      case eventTypes.eventSent:
        work.confirm(event, 'message');
        break;
      case eventTypes.taskCompleted:
      case eventTypes.childCompleted:
        work.settle(event.TaskScheduledId, { ok: true, event });
        break;
      case eventTypes.taskFailed:
      case eventTypes.childFailed:
        work.settle(event.TaskScheduledId, { ok: false, event });
        break;
      case eventTypes.timerFired:
        work.settle(event.TimerId, { ok: true, event });
        break;
      case eventTypes.eventRaised:
        this.#raise(event);
        break;
      default:
    }
  }

  #raise(event: HistoryEvent): void {
    if (this.#performer.work.reply(event)) return;
    if (this.#performer.continueInput === undefined) this.#performer.events.raise(event);
    else this.#carriedOver.push(event);
  }

  /** Performs actions one after the other until one has to wait. */
  #advance(): void {
    for (;;) {
      const action = this.#actions[this.#cursor++];
      if (!action) {
        this.#listDone = true;
        return;
      }
      const step = { ended: false, waiting: false };
      this.#performer.perform(action, () => {
        step.ended = true;
        if (step.waiting) this.#advance();
      });
      if (!step.ended) {
        step.waiting = true;
        return;
      }
    }
  }
}
