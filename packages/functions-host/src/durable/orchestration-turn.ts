import { randomUUID } from 'node:crypto';
import { errorMessage, errorStack } from '../errors.ts';
import { toJson } from '../json.ts';
import { isFinished } from '../store/rows.ts';
import type { InstanceRow, MessageRow } from '../store/rows.ts';
import type { OrchestratorState } from './actions.ts';
import { commitTurn } from './commit-turn.ts';
import type { Completion } from './decisions.ts';
import { noEffects, requireFunction } from './durable-host.ts';
import type { DurableHost, Effects } from './durable-host.ts';
import type { Around } from '../worker/invoker.ts';
import type { CachedHistory, HistoryCache } from './history-cache.ts';
import { createEvent, eventTypes } from './history.ts';
import type { HistoryEvent } from './history.ts';
import { callOrchestrator, orchestrationTrigger, requireSame } from './orchestrator-call.ts';
import { failure, replay } from './replayer.ts';
import type { ReplayResult } from './replayer.ts';
import { versionFault } from './version-match.ts';

/** Custom status above this fails the run, as in Azure: 16 KB as UTF-16. */
const maxCustomStatusChars = 8 * 1024;

/** One turn of an orchestration, before it is computed. */
export interface Turn {
  readonly instance: InstanceRow;
  readonly history: CachedHistory;
  /** What this turn adds before its decisions. */
  readonly arrived: readonly HistoryEvent[];
  /** Takes the messages of this turn out of the store. */
  readonly consume: () => void;
}

export interface TurnResult extends ReplayResult {
  readonly customStatus: string | undefined;
}

interface TurnOutcome {
  readonly effects: Effects;
  /** How many activities and children the orchestration waits for. */
  readonly awaited: number;
}

/**
 * Runs one turn of an orchestration: takes all waiting messages, runs the orchestrator over its history, and commits what follows
 * from it in one transaction. Rejects only if the store fails.
 */
export async function runOrchestrationTurn(
  host: DurableHost,
  cache: HistoryCache,
  instanceId: string,
): Promise<TurnOutcome> {
  const turn = beginTurn(host, cache, instanceId);
  if (!turn) return { effects: noEffects(), awaited: 0 };
  const { committed, result, effects } = commit(host, turn, await computeTurn(host, turn));
  host.guard.settle({ instanceId, executionId: turn.instance.executionId });
  if (!committed) return { effects: noEffects(), awaited: 0 };
  if (host.faults.replayEveryStep === true) effects.notified.add(instanceId);
  else if (!result.completion) cache.put(instanceId, turn.history);
  return { effects, awaited: result.completion ? 0 : result.awaited };
}

interface Commit {
  readonly committed: boolean;
  readonly result: TurnResult;
  readonly effects: Effects;
}

/**
 * Writes a turn. One that cannot be written as it is ends the run instead: it would be as impossible after every restart, and the host
 * goes on with everything else. If not even that can be written, the store is at fault, and the error is thrown.
 */
function commit(host: DurableHost, turn: Turn, result: TurnResult): Commit {
  const write = (what: TurnResult): Commit => {
    const effects = noEffects();
    const committed = host.store.transaction(() => commitTurn(host, turn, what, effects));
    return { committed, result: what, effects };
  };
  try {
    return write(result);
  } catch (error) {
    const message = `what it decided cannot be carried out (${errorMessage(error)}).`;
    return write(crashed(turn, message, errorStack(error)));
  }
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
  const fault = host.settings.versionFailureStrategy === 'Reject' && versionFault(instance.version, host.settings);
  if (fault) {
    host.log('warning', 'Host.Durable', `Instance '${instance.id}' waits: ${fault}`);
    return undefined;
  }
  const history = cache.take(instanceId, instance.executionId, () => store.history(instanceId));
  const ordered = startFirst(current.map(({ id, event }) => ({ id, event: JSON.parse(event) as HistoryEvent })));
  const taken = host.faults.replayEveryStep === true ? ordered.slice(0, 1) : ordered;
  const begin = createEvent({ EventType: eventTypes.orchestratorStarted }, clock.now());
  const consume = () => {
    if (taken === ordered) store.deleteMessagesUpTo(instanceId, last.id);
    else for (const { id } of taken) store.deleteMessage(id);
  };
  return { instance, history, arrived: [begin, ...taken.map(({ event }) => event)], consume };
}

interface ArrivedMessage {
  readonly id: number;
  readonly event: HistoryEvent;
}

/** An execution begins with its start, whatever came before it. */
function startFirst(messages: readonly ArrivedMessage[]): readonly ArrivedMessage[] {
  const isStart = ({ event }: ArrivedMessage) => event.EventType === eventTypes.executionStarted;
  return [...messages.filter(isStart), ...messages.filter((one) => !isStart(one))];
}

function isFor(message: MessageRow, instance: InstanceRow): boolean {
  return message.executionId === null || message.executionId === instance.executionId;
}

async function computeTurn(host: DurableHost, turn: Turn): Promise<TurnResult> {
  const { instance, history, arrived } = turn;
  const { schemaVersion, settings, guard } = host;
  const guarded = { instanceId: instance.id, executionId: instance.executionId };
  const fault = guard.faultOf(guarded) ?? versionFault(instance.version, settings);
  if (fault !== undefined) return crashed(turn, fault, '');
  try {
    const fn = requireFunction(host.catalog, 'orchestration', instance.name);
    const around: Around = (code) => guard.run(guarded, code);
    const call = () => {
      const trigger = orchestrationTrigger({ instance, history: history.events, arrived, schemaVersion, settings });
      return callOrchestrator(host.invoke, { fn, trigger, around });
    };
    const answer = await call();
    if (host.faults.replayEveryStep === true) requireSame(answer, await call());
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
  return { decisions: [], completion, suspended: false, awaited: 0, customStatus: undefined };
}

function applyCustomStatus(instance: InstanceRow, state: OrchestratorState, result: ReplayResult): TurnResult {
  const customStatus = state.customStatus === undefined ? undefined : toJson(state.customStatus);
  if (customStatus === undefined || customStatus.length <= maxCustomStatusChars) return { ...result, customStatus };
  const message = `the custom status takes ${customStatus.length * 2} bytes as UTF-16 and may take ${maxCustomStatusChars * 2}.`;
  return {
    decisions: [],
    completion: failure(instance.name, message),
    suspended: false,
    awaited: 0,
    customStatus: undefined,
  };
}
