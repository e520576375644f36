import type { InstanceRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { eventTexts, eventTypes } from './history.ts';
import type { HistoryEvent } from './history.ts';
import { newId, sendEvent } from './instances.ts';

interface Rewind {
  readonly store: Store;
  readonly reason: string;
  readonly nowMs: number;
  /** Instances that have work again. */
  readonly woken: Set<string>;
}

/**
 * Takes a failed orchestration back to where it was before its failures: failed activities run again, failed children are taken back
 * likewise, everything that succeeded stays (github.com/Azure/durabletask, ProcessRewindOrchestrationDecision). Call inside a transaction.
 */
export function rewindInstance(
  rewind: Rewind,
  instance: InstanceRow,
  parentExecutionId = instance.parentExecutionId,
): void {
  const { store } = rewind;
  const executionId = newId();
  const events = store.history(instance.id).flatMap((turn) => JSON.parse(turn) as HistoryEvent[]);
  const kept = withoutFailures(events).map((event) => renamed(event, instance.id, executionId, parentExecutionId));
  store.clearExecution(instance.id);
  store.putInstance({
    ...instance,
    executionId,
    parentExecutionId,
    status: 'Running',
    output: null,
    updatedAt: rewind.nowMs,
  });
  for (const { from, text } of eventTexts(kept)) store.appendHistory(instance.id, from, text);
  const event = { EventType: eventTypes.executionRewound, Reason: rewind.reason };
  sendEvent(store, { id: instance.id, executionId }, event, rewind.nowMs);
  rewind.woken.add(instance.id);
  for (const childId of failedChildren(events)) {
    const child = store.instance(childId);
    if (child?.status === 'Failed') rewindInstance(rewind, child, executionId);
  }
}

/** A failed activity loses its scheduling too, so that it is scheduled again; a failed child keeps it, since it goes on itself. */
function withoutFailures(events: readonly HistoryEvent[]): HistoryEvent[] {
  const failedTasks = new Set(events.filter((event) => event.EventType === eventTypes.taskFailed).map(scheduledId));
  const dropped: readonly number[] = [eventTypes.taskFailed, eventTypes.childFailed, eventTypes.executionCompleted];
  return events.filter(
    (event) =>
      !dropped.includes(event.EventType) &&
      !(event.EventType === eventTypes.taskScheduled && failedTasks.has(event.EventId)),
  );
}

function failedChildren(events: readonly HistoryEvent[]): string[] {
  const failed = new Set(events.filter((event) => event.EventType === eventTypes.childFailed).map(scheduledId));
  return events
    .filter((event) => event.EventType === eventTypes.childCreated && failed.has(event.EventId))
    .map((event) => event.InstanceId ?? '');
}

function scheduledId(event: HistoryEvent): number | undefined {
  return event.TaskScheduledId;
}

/** The start of an execution names it, and its parent's. */
function renamed(event: HistoryEvent, id: string, executionId: string, parentExecutionId: string | null): HistoryEvent {
  if (event.EventType !== eventTypes.executionStarted) return event;
  const { ParentInstance: parent } = event;
  const ParentInstance = parent && {
    ...parent,
    OrchestrationInstance: { ...parent.OrchestrationInstance, ExecutionId: parentExecutionId ?? '' },
  };
  const started = { ...event, OrchestrationInstance: { InstanceId: id, ExecutionId: executionId } };
  return ParentInstance ? { ...started, ParentInstance } : started;
}
