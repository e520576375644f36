import { actionTypes } from '../../src/durable/actions.ts';
import type { Action, OrchestratorState } from '../../src/durable/actions.ts';
import { decisionEvent } from '../../src/durable/decisions.ts';
import type { Decision } from '../../src/durable/decisions.ts';
import { createEvent, eventTypes } from '../../src/durable/history.ts';
import type { EventBody, HistoryEvent } from '../../src/durable/history.ts';
import { replay } from '../../src/durable/replayer.ts';
import type { ReplayResult } from '../../src/durable/replayer.ts';

export const activity = (functionName = 'work'): Action => ({ actionType: actionTypes.callActivity, functionName });
export const timer = (atMs: number, isCanceled = false): Action => ({
  actionType: actionTypes.createTimer,
  fireAt: new Date(atMs).toISOString(),
  isCanceled,
});
export const waitFor = (externalEventName: string): Action => ({
  actionType: actionTypes.waitForExternalEvent,
  externalEventName,
});
export const all = (...compoundActions: Action[]): Action => ({ actionType: actionTypes.whenAll, compoundActions });
export const any = (...compoundActions: Action[]): Action => ({ actionType: actionTypes.whenAny, compoundActions });
export const continueAsNew = (input: unknown): Action => ({ actionType: actionTypes.continueAsNew, input });

export const completed = (TaskScheduledId: number, result: unknown = null): EventBody => ({
  EventType: eventTypes.taskCompleted,
  TaskScheduledId,
  Result: JSON.stringify(result),
});
export const failed = (TaskScheduledId: number): EventBody => ({
  EventType: eventTypes.taskFailed,
  TaskScheduledId,
  Reason: 'no',
  Details: 'why',
});
export const fired = (TimerId: number): EventBody => ({ EventType: eventTypes.timerFired, TimerId });
export const raised = (Name: string): EventBody => ({ EventType: eventTypes.eventRaised, Name, Input: '1' });
export const suspended: EventBody = { EventType: eventTypes.executionSuspended };
export const resumed: EventBody = { EventType: eventTypes.executionResumed };
export const terminated: EventBody = { EventType: eventTypes.executionTerminated, Input: 'stop' };

export interface TurnState {
  readonly actions: readonly Action[];
  readonly isDone?: boolean;
  readonly output?: unknown;
  readonly error?: string;
}

/** Keeps the history of an execution as the host would, turn after turn. */
export class Execution {
  readonly history: HistoryEvent[] = [];
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  #ids = 0;

  /** Lets events arrive and replays what the orchestrator then gave back. */
  turn(events: readonly EventBody[], { actions, isDone = false, ...rest }: TurnState): ReplayResult {
    const begin: EventBody[] = [{ EventType: eventTypes.orchestratorStarted }];
    if (this.history.length === 0) begin.push({ EventType: eventTypes.executionStarted, Name: 'flow' });
    for (const body of [...begin, ...events]) this.history.push(createEvent(body, this.nowMs));
    const result = this.replay({ actions: [actions], isDone, ...rest });
    for (const decision of result.decisions) this.history.push(createEvent(decisionEvent(decision, false), this.nowMs));
    return result;
  }

  replay(state: OrchestratorState): ReplayResult {
    return replay({
      functionName: 'flow',
      instanceId: 'i',
      executionId: 'e',
      history: this.history,
      state,
      maxActions: 1000,
      defaultHttpPollMs: 30_000,
      requireFunction: (_, name) => {
        if (name === 'missing') throw new Error(`no function '${name}'`);
      },
      newId: () => `id${this.#ids++}`,
    });
  }
}

/** `task 0`, `timer 1`, ... */
export const summary = (decisions: readonly Decision[]): string[] => decisions.map(({ kind, id }) => `${kind} ${id}`);
