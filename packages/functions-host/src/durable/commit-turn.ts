import { isFinished } from '../store/rows.ts';
import type { InstanceRow, RuntimeStatus } from '../store/rows.ts';
import { decisionEvent } from './decisions.ts';
import type { Completion, Decision } from './decisions.ts';
import type { DurableHost, Effects } from './durable-host.ts';
import { createEvent, eventTexts, eventTypes } from './history.ts';
import type { EventBody, HistoryEvent } from './history.ts';
import { createInstance, newId, sendEvent, startedEvent } from './instances.ts';
import type { Turn, TurnResult } from './orchestration-turn.ts';

/**
 * Writes a turn; call inside a transaction. False if the instance was purged or replaced meanwhile, so that nothing of it counts.
 */
export function commitTurn(host: DurableHost, turn: Turn, result: TurnResult, effects: Effects): boolean {
  const { store, clock } = host;
  const { instance } = turn;
  const current = store.instance(instance.id);
  if (current?.executionId !== instance.executionId) return false;
  turn.consume();
  const nowMs = clock.now();
  for (const decision of result.decisions) carryOut(host, instance, decision, nowMs, effects);

  const row: InstanceRow = {
    ...instance,
    customStatus: result.customStatus ?? instance.customStatus,
    updatedAt: nowMs,
  };
  if (result.completion?.status === 'ContinuedAsNew') {
    continueAsNew(host, row, result.completion, effects);
    return true;
  }
  const appended = appendHistory(host, turn, result, nowMs);
  const status: RuntimeStatus = result.completion?.status ?? (result.suspended ? 'Suspended' : 'Running');
  store.putInstance({ ...row, status, output: result.completion?.output ?? null });
  if (result.completion) finish(host, row, result.completion, effects);
  for (const event of appended) turn.history.events.push(event);
  return true;
}

function carryOut(host: DurableHost, instance: InstanceRow, decision: Decision, nowMs: number, effects: Effects): void {
  const { store } = host;
  const owner = { instanceId: instance.id, executionId: instance.executionId };
  switch (decision.kind) {
    case 'task':
      effects.tasks.push(store.addTask({ ...owner, taskId: decision.id, name: decision.name, input: decision.input }));
      return;
    case 'timer':
      store.addTimer({ ...owner, timerId: decision.id, fireAt: decision.fireAtMs });
      effects.timerAt = Math.min(effects.timerAt, decision.fireAtMs);
      return;
    case 'child': {
      startChild(host, instance, decision, nowMs, effects);
      return;
    }
    case 'message':
      sendEvent(
        store,
        { id: decision.instanceId, executionId: null },
        { EventType: eventTypes.eventRaised, Name: decision.name, Input: decision.input },
        nowMs,
      );
      effects.notified.add(decision.instanceId);
  }
}

function startChild(
  host: DurableHost,
  parent: InstanceRow,
  decision: Decision & { kind: 'child' },
  nowMs: number,
  effects: Effects,
): void {
  const existing = host.store.instance(decision.instanceId);
  if (existing && !isFinished(existing.status)) {
    const trap = `Sub-orchestration '${decision.name}' was not started: its instance id '${decision.instanceId}' is already running. `;
    host.log(
      'error',
      'Host.Durable',
      `${trap}As in Azure, its parent '${parent.id}' now waits for ever; give every child an id of its own.`,
    );
    return;
  }
  const version = decision.version ?? host.settings.defaultVersion;
  createInstance(
    host.store,
    {
      id: decision.instanceId,
      name: decision.name,
      version,
      input: decision.input,
      parent: { instance: parent, taskId: decision.id },
    },
    nowMs,
  );
  effects.notified.add(decision.instanceId);
}

function appendHistory(host: DurableHost, turn: Turn, result: TurnResult, nowMs: number): readonly HistoryEvent[] {
  const { history, instance } = turn;
  const decided = result.decisions.map((one) =>
    createEvent(decisionEvent(one, host.settings.storeInputsInOrchestrationHistory), nowMs),
  );
  const { completion } = result;
  const ended =
    completion && completion.status !== 'ContinuedAsNew' ? [createEvent(completedEvent(completion), nowMs)] : [];
  const events = [
    ...turn.arrived,
    ...decided,
    ...ended,
    createEvent({ EventType: eventTypes.orchestratorCompleted }, nowMs),
  ];
  for (const { from, text } of eventTexts(events)) {
    host.store.appendHistory(instance.id, history.events.length + from, text);
  }
  return events;
}

function completedEvent(completion: Exclude<Completion, { status: 'ContinuedAsNew' }>): EventBody {
  const body = {
    EventType: eventTypes.executionCompleted,
    OrchestrationStatus: completion.status,
    Result: completion.output,
  };
  return completion.status === 'Failed' && completion.failureDetails
    ? { ...body, FailureDetails: completion.failureDetails }
    : body;
}

function continueAsNew(
  host: DurableHost,
  row: InstanceRow,
  completion: Completion & { status: 'ContinuedAsNew' },
  effects: Effects,
): void {
  const { store } = host;
  store.clearExecution(row.id);
  const next: InstanceRow = { ...row, executionId: newId(), input: completion.input, status: 'Running', output: null };
  store.putInstance(next);
  sendEvent(store, next, startedEvent(next), row.updatedAt);
  for (const event of completion.carriedOver)
    store.addMessage({ instanceId: row.id, executionId: null, event: JSON.stringify(event) });
  effects.notified.add(row.id);
}

function finish(
  host: DurableHost,
  row: InstanceRow,
  completion: Exclude<Completion, { status: 'ContinuedAsNew' }>,
  effects: Effects,
): void {
  host.store.clearTimers(row.id);
  if (completion.status === 'Failed')
    host.log('error', 'Host.Durable', `Instance '${row.id}': ${completion.output} ${completion.stack}`);
  if (row.parentId === null || row.parentTaskId === null) return;
  sendEvent(
    host.store,
    { id: row.parentId, executionId: row.parentExecutionId },
    childEvent(row.parentTaskId, completion),
    row.updatedAt,
  );
  effects.notified.add(row.parentId);
}

/** A terminated child reports no details, which makes durable-functions fail the parent outside user code, as it does in Azure. */
function childEvent(TaskScheduledId: number, completion: Exclude<Completion, { status: 'ContinuedAsNew' }>): EventBody {
  switch (completion.status) {
    case 'Completed':
      return { EventType: eventTypes.childCompleted, TaskScheduledId, Result: completion.output };
    case 'Terminated':
      return { EventType: eventTypes.childFailed, TaskScheduledId, Reason: completion.output, Details: null };
    case 'Failed': {
      const Details = `Message: ${completion.output}, StackTrace: ${completion.stack}`;
      const body = { EventType: eventTypes.childFailed, TaskScheduledId, Reason: completion.output, Details };
      return completion.failureDetails ? { ...body, FailureDetails: completion.failureDetails } : body;
    }
  }
}
