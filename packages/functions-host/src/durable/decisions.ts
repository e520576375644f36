import { eventTypes } from './history.ts';
import type { EventBody, FailureDetails, HistoryEvent } from './history.ts';

/** New work that a turn asks for; `id` is its place in the execution's numbering. */
export type Decision =
  | { readonly kind: 'task'; readonly id: number; readonly name: string; readonly input: string | null }
  | { readonly kind: 'timer'; readonly id: number; readonly fireAtMs: number }
  | {
      readonly kind: 'child';
      readonly id: number;
      readonly name: string;
      readonly instanceId: string;
      readonly input: string;
      readonly version: string | undefined;
    }
  | {
      readonly kind: 'message';
      readonly id: number;
      readonly instanceId: string;
      readonly name: string;
      readonly input: string;
    };

/** How an execution ended. `output` is JSON text, or plain text for a failure. */
export type Completion =
  | { readonly status: 'Completed' | 'Terminated'; readonly output: string | null }
  | {
      readonly status: 'Failed';
      readonly output: string;
      readonly stack: string;
      readonly failureDetails?: FailureDetails;
    }
  | { readonly status: 'ContinuedAsNew'; readonly input: string; readonly carriedOver: readonly HistoryEvent[] };

/** The history event that records a decision. */
export function decisionEvent(decision: Decision, storeInputs: boolean): EventBody {
  const EventId = decision.id;
  switch (decision.kind) {
    case 'task':
      return {
        EventType: eventTypes.taskScheduled,
        EventId,
        Name: decision.name,
        Version: '',
        Input: storeInputs ? decision.input : null,
      };
    case 'timer':
      return { EventType: eventTypes.timerCreated, EventId, FireAt: new Date(decision.fireAtMs).toISOString() };
    case 'child':
      return {
        EventType: eventTypes.childCreated,
        EventId,
        Name: decision.name,
        Version: decision.version ?? '',
        InstanceId: decision.instanceId,
        Input: storeInputs ? decision.input : null,
      };
    case 'message':
      return {
        EventType: eventTypes.eventSent,
        EventId,
        InstanceId: decision.instanceId,
        Name: decision.name,
        Input: decision.input,
      };
  }
}
