import { randomUUID } from 'node:crypto';
import type { InstanceRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { createEvent, eventTypes } from './history.ts';
import type { EventBody } from './history.ts';

export interface NewInstance {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** JSON text, null for none. */
  readonly input: string | null;
  readonly parent?: { readonly instance: InstanceRow; readonly taskId: number } | undefined;
}

/** Puts a pending instance and its start message into the store, over whatever had that id. Call inside a transaction. */
export function createInstance(
  store: Store,
  { id, name, version, input, parent }: NewInstance,
  nowMs: number,
): InstanceRow {
  store.deleteInstance(id);
  const row: InstanceRow = {
    id,
    name,
    version,
    executionId: newId(),
    status: 'Pending',
    input,
    output: null,
    customStatus: null,
    parentId: parent?.instance.id ?? null,
    parentExecutionId: parent?.instance.executionId ?? null,
    parentName: parent?.instance.name ?? null,
    parentTaskId: parent?.taskId ?? null,
    createdAt: nowMs,
    updatedAt: nowMs,
  };
  store.putInstance(row);
  sendEvent(store, row, startedEvent(row), nowMs);
  return row;
}

/** The event that begins an execution. */
export function startedEvent(row: InstanceRow): EventBody {
  const parent =
    row.parentId === null
      ? null
      : {
          OrchestrationInstance: { InstanceId: row.parentId, ExecutionId: row.parentExecutionId ?? '' },
          Name: row.parentName ?? '',
          Version: '',
          TaskScheduleId: row.parentTaskId ?? -1,
        };
  return {
    EventType: eventTypes.executionStarted,
    Name: row.name,
    Version: row.version,
    Input: row.input,
    OrchestrationInstance: { InstanceId: row.id, ExecutionId: row.executionId },
    ParentInstance: parent,
  };
}

/** Sends an event to an instance; with `executionId: null` to whichever execution is current when it arrives. */
export function sendEvent(
  store: Store,
  to: { readonly id: string; readonly executionId: string | null },
  body: EventBody,
  nowMs: number,
): void {
  store.addMessage({ instanceId: to.id, executionId: to.executionId, event: JSON.stringify(createEvent(body, nowMs)) });
}

/** A GUID without dashes, as the Durable extension generates ids. */
export function newId(): string {
  return randomUUID().replaceAll('-', '');
}

const maxInstanceIdLength = 256;

/** Why something cannot be the id of an orchestration, in the words of the Durable extension; undefined if it can. */
export function faultOfInstanceId(id: string): string | undefined {
  if (id.startsWith('@')) return 'Orchestration instance ids must not start with @.';
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
  if (/[/\\?#\u0000-\u001f\u007f-\u009f]/u.test(id)) {
    return 'Orchestration instance ids must not contain /, \\, ?, #, or control characters.';
  }
  if (id.length > maxInstanceIdLength) return `Instance ID lengths must not exceed ${maxInstanceIdLength} characters.`;
  return undefined;
}
