import { randomUUID } from 'node:crypto';
import { errorMessage, errorStack } from '../errors.ts';
import { toJson } from '../json.ts';
import { isFinished } from '../store/rows.ts';
import type { InstanceRow, MessageRow, RuntimeStatus } from '../store/rows.ts';
import type { OrchestratorState } from './actions.ts';
import { decisionEvent } from './decisions.ts';
import type { Completion, Decision } from './decisions.ts';
import { noEffects, requireFunction } from './durable-host.ts';
import type { DurableHost, Effects } from './durable-host.ts';
import type { CachedHistory, HistoryCache } from './history-cache.ts';
import { createEvent, eventTypes } from './history.ts';
import type { EventBody, HistoryEvent } from './history.ts';
import { createInstance, newId, sendEvent, startedEvent } from './instances.ts';
import { callOrchestrator, orchestrationTrigger } from './orchestrator-call.ts';
import { failure, replay } from './replayer.ts';
import type { ReplayResult } from './replayer.ts';

/** Custom status above this fails the run, as in Azure: 16 KB as UTF-16. */
const maxCustomStatusChars = 8 * 1024;

interface Turn {
  readonly instance: InstanceRow;
  readonly history: CachedHistory;
  /** What this turn adds before its decisions. */
  readonly arrived: readonly HistoryEvent[];
  readonly lastMessageId: number;
}

interface TurnResult extends ReplayResult {
  readonly customStatus: string | undefined;
}

/**
 * Runs one turn of an orchestration: takes all waiting messages, runs the orchestrator over its history, and commits what follows
 * from it in one transaction. Rejects only if the store fails.
 */
export async function runOrchestrationTurn(
  host: DurableHost,
  cache: HistoryCache,
  instanceId: string,
): Promise<Effects> {
  const turn = beginTurn(host, cache, instanceId);
  if (!turn) return noEffects();
  const result = await computeTurn(host, turn);
  const effects = noEffects();
  const committed = host.store.transaction(() => commitTurn(host, turn, result, effects));
  if (!committed) return noEffects();
  if (result.completion) cache.drop(instanceId);
  else cache.put(instanceId, turn.history);
  return effects;
}

function beginTurn(host: DurableHost, cache: HistoryCache, instanceId: string): Turn | undefined {
  const { store, clock } = host;
  const messages = store.messages(instanceId);
  const last = messages.at(-1);
  if (!last) return undefined;
  const instance = store.instance(instanceId);
  const current = instance && !isFinished(instance.status) ? messages.filter((one) => isFor(one, instance)) : [];
  if (!instance || current.length === 0) {
    store.deleteMessagesUpTo(instanceId, last.id);
    return undefined;
  }
  const history = cache.take(instanceId, instance.executionId, () => store.history(instanceId));
  const events = current.map((one) => JSON.parse(one.event) as HistoryEvent);
  const started = events.filter((event) => event.EventType === eventTypes.executionStarted);
  const others = events.filter((event) => event.EventType !== eventTypes.executionStarted);
  const begin = createEvent({ EventType: eventTypes.orchestratorStarted }, clock.now());
  return { instance, history, arrived: [begin, ...started, ...others], lastMessageId: last.id };
}

function isFor(message: MessageRow, instance: InstanceRow): boolean {
  return message.executionId === null || message.executionId === instance.executionId;
}

async function computeTurn(host: DurableHost, turn: Turn): Promise<TurnResult> {
  const { instance, history, arrived } = turn;
  try {
    const fn = requireFunction(host.catalog, 'orchestration', instance.name);
    const events = [...history.texts, ...arrived.map((event) => JSON.stringify({ ...event, IsPlayed: false }))];
    const isReplaying = history.events.length > 0;
    const trigger = orchestrationTrigger({
      instance,
      events,
      isReplaying,
      schemaVersion: host.schemaVersion,
      settings: host.settings,
    });
    const answer = await callOrchestrator(host.invoke, fn, trigger);
    if (answer.kind === 'crash') return crashed(turn, answer.message, answer.stack);
    return applyCustomStatus(instance, answer.state, replayTurn(host, turn, answer.state));
  } catch (error) {
    return crashed(turn, errorMessage(error), errorStack(error));
  }
}

function replayTurn(host: DurableHost, turn: Turn, state: OrchestratorState): ReplayResult {
  return replay({
    functionName: turn.instance.name,
    instanceId: turn.instance.id,
    executionId: turn.instance.executionId,
    history: [...turn.history.events, ...turn.arrived],
    state,
    maxActions: host.settings.maxOrchestrationActions,
    defaultHttpPollMs: host.settings.defaultAsyncRequestSleepTimeMs,
    requireFunction: (kind, name) => void requireFunction(host.catalog, kind, name),
    newId: randomUUID,
  });
}

/** The framework around the orchestrator failed: the run ends, whatever is under way. A termination in the same turn still counts. */
function crashed(turn: Turn, message: string, stack: string): TurnResult {
  const terminated = turn.arrived.find((event) => event.EventType === eventTypes.executionTerminated);
  const completion: Completion = terminated
    ? { status: 'Terminated', output: terminated.Input ?? null }
    : failure(turn.instance.name, message, { stack });
  return { decisions: [], completion, suspended: false, customStatus: undefined };
}

function applyCustomStatus(instance: InstanceRow, state: OrchestratorState, result: ReplayResult): TurnResult {
  const customStatus = state.customStatus === undefined ? undefined : toJson(state.customStatus);
  if (customStatus === undefined || customStatus.length <= maxCustomStatusChars) return { ...result, customStatus };
  const message = `the custom status takes ${customStatus.length * 2} bytes as UTF-16 and may take ${maxCustomStatusChars * 2}.`;
  return { decisions: [], completion: failure(instance.name, message), suspended: false, customStatus: undefined };
}

/** Writes a turn. False if the instance was purged or replaced meanwhile, so that nothing of it counts. */
function commitTurn(host: DurableHost, turn: Turn, result: TurnResult, effects: Effects): boolean {
  const { store, clock } = host;
  const { instance, lastMessageId } = turn;
  const current = store.instance(instance.id);
  if (current?.executionId !== instance.executionId) return false;
  store.deleteMessagesUpTo(instance.id, lastMessageId);
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
  appendHistory(host, turn, result, nowMs);
  const status: RuntimeStatus = result.completion?.status ?? (result.suspended ? 'Suspended' : 'Running');
  store.putInstance({ ...row, status, output: result.completion?.output ?? null });
  if (result.completion) finish(host, row, result.completion, effects);
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

function appendHistory(host: DurableHost, turn: Turn, result: TurnResult, nowMs: number): void {
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
  const texts = events.map((event) => JSON.stringify(event));
  host.store.appendHistory(instance.id, history.events.length, `[${texts.join(',')}]`);
  for (const event of events) history.events.push(event);
  for (const text of texts) history.texts.push(text);
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
