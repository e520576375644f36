import { isObject, tryParse } from '../json.ts';
import type { JsonObject } from '../json.ts';
import type { InstanceRow } from '../store/rows.ts';
import { eventTypes } from './history.ts';
import type { EventType, HistoryEvent } from './history.ts';

/** The status document of the Durable HTTP API. Values that are no JSON, such as failure messages, appear as text. */
export function statusDocument(row: InstanceRow, options: { readonly showInput: boolean }): JsonObject {
  return {
    name: row.name,
    instanceId: row.id,
    runtimeStatus: row.status,
    input: options.showInput ? valueOf(row.input) : null,
    customStatus: valueOf(row.customStatus),
    output: valueOf(row.output),
    createdTime: toSecond(row.createdAt),
    lastUpdatedTime: toSecond(row.updatedAt),
  };
}

function valueOf(text: string | null): unknown {
  if (text === null) return null;
  const parsed = tryParse(text);
  return parsed === undefined ? text : parsed;
}

function toSecond(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

const nameOfType = new Map<EventType, string>([
  [eventTypes.executionStarted, 'ExecutionStarted'],
  [eventTypes.executionCompleted, 'ExecutionCompleted'],
  [eventTypes.executionTerminated, 'ExecutionTerminated'],
  [eventTypes.taskScheduled, 'TaskScheduled'],
  [eventTypes.taskCompleted, 'TaskCompleted'],
  [eventTypes.taskFailed, 'TaskFailed'],
  [eventTypes.childCreated, 'SubOrchestrationInstanceCreated'],
  [eventTypes.childCompleted, 'SubOrchestrationInstanceCompleted'],
  [eventTypes.childFailed, 'SubOrchestrationInstanceFailed'],
  [eventTypes.timerCreated, 'TimerCreated'],
  [eventTypes.timerFired, 'TimerFired'],
  [eventTypes.eventSent, 'EventSent'],
  [eventTypes.eventRaised, 'EventRaised'],
  [eventTypes.executionSuspended, 'ExecutionSuspended'],
  [eventTypes.executionResumed, 'ExecutionResumed'],
  [eventTypes.executionRewound, 'ExecutionRewound'],
]);

/** Fields that matter to the replayer only. */
const internalFields = new Set([
  'EventId',
  'IsPlayed',
  'TaskScheduledId',
  'TimerId',
  'Version',
  'OrchestrationInstance',
  'ParentInstance',
  'EventType',
  'Name',
  'Details',
]);

/** The history as people read it: a scheduled event is merged into its completion; turn boundaries and numbers are left out. */
export function historyDocument(
  turns: readonly string[],
  options: { readonly showOutput: boolean; readonly showInput: boolean },
): JsonObject[] {
  const events = turns.flatMap((turn) => JSON.parse(turn) as HistoryEvent[]);
  const scheduled = new Map(
    events.filter((event) => isSchedule(event.EventType)).map((event) => [event.EventId, event]),
  );
  const ended = new Set(events.map((event) => event.TaskScheduledId ?? event.TimerId).filter((id) => id !== undefined));
  return events
    .filter((event) => nameOfType.has(event.EventType) && !(isSchedule(event.EventType) && ended.has(event.EventId)))
    .map((event) => describe(event, scheduled.get(event.TaskScheduledId ?? event.TimerId ?? -1), options));
}

function isSchedule(type: EventType): boolean {
  return type === eventTypes.taskScheduled || type === eventTypes.childCreated || type === eventTypes.timerCreated;
}

function describe(
  event: HistoryEvent,
  scheduled: HistoryEvent | undefined,
  options: { showOutput: boolean; showInput: boolean },
): JsonObject {
  const document: JsonObject = { EventType: nameOfType.get(event.EventType) };
  for (const [field, value] of Object.entries(event)) {
    if (!internalFields.has(field)) document[field] = field === 'Result' || field === 'Input' ? readable(value) : value;
  }
  if (!options.showOutput) delete document['Result'];
  if (!options.showInput) delete document['Input'];
  if (event.EventType === eventTypes.executionStarted) document['FunctionName'] = event.Name;
  else if (event.Name !== undefined) document['Name'] = event.Name;
  if (scheduled) {
    document['ScheduledTime'] = scheduled.Timestamp;
    if (scheduled.Name !== undefined) document['FunctionName'] = scheduled.Name;
  }
  return document;
}

function readable(value: unknown): unknown {
  const parsed = typeof value === 'string' ? tryParse(value) : undefined;
  return parsed !== undefined && (isObject(parsed) || typeof parsed !== 'object' || Array.isArray(parsed))
    ? parsed
    : value;
}
