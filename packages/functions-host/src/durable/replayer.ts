import { errorMessage } from '../errors.ts';
import { isObject, toJson, tryParse } from '../json.ts';
import { actionTypes, entityInstanceId } from './actions.ts';
import type { Action, DurableHttpRequest, EntityName, OrchestratorState, RetryOptions } from './actions.ts';
import type { Completion, Decision } from './decisions.ts';
import { eventTypes } from './history.ts';
import type { HistoryEvent } from './history.ts';

/** The activity name under which an HTTP call of an orchestrator travels. */
export const httpActivityName = 'BuiltIn::HttpActivity';

const longTimerThresholdMs = 6 * 24 * 3_600_000;
const longTimerStepMs = 3 * 24 * 3_600_000;

export interface ReplayInput {
  readonly functionName: string;
  readonly instanceId: string;
  readonly executionId: string;
  /** The whole history of the execution, this turn's events included. */
  readonly history: readonly HistoryEvent[];
  /** What the orchestrator gave back when it saw that history. */
  readonly state: OrchestratorState;
  readonly maxActions: number;
  readonly defaultHttpPollMs: number;
  /** Throws if the app has no such function. */
  readonly requireFunction: (kind: 'activity' | 'orchestration' | 'entity', name: string) => void;
  readonly newId: () => string;
}

export interface ReplayResult {
  readonly decisions: readonly Decision[];
  readonly completion: Completion | undefined;
  readonly suspended: boolean;
}

/** Called when an action is over: with the event that ended it, where there was one. */
type Done = (ended: { readonly ok: boolean; readonly event?: HistoryEvent }) => void;

/** The execution cannot go on; unlike a failure of user code, open tasks are not waited for. */
class ReplayError extends Error {}

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
    return { decisions: [], completion: failure(input.functionName, error.message), suspended: false };
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

class Replay {
  readonly #input: ReplayInput;
  readonly #actions: readonly Action[];
  #cursor = 0;
  #listDone = false;
  #actionCount = 0;
  #nextId = 0;
  /** Decisions that no history event has confirmed yet. */
  readonly #pending = new Map<number, Decision>();
  /** Activities, children and timers under way: an execution does not end before they do. */
  readonly #open = new Map<number, Done>();
  /** Cancelled timers. */
  readonly #detached = new Map<number, Done>();
  /** Entity calls and locks under way, by request id. */
  readonly #replies = new Map<string, Done>();
  readonly #replyByTask = new Map<number, Done>();
  /** Waits by event name; the latest is served first. */
  readonly #waits = new Map<string, Done[]>();
  readonly #buffered = new Map<string, HistoryEvent[]>();
  #locks: readonly EntityName[] = [];
  #nowMs = 0;
  #suspended = false;
  readonly #heldBack: HistoryEvent[] = [];
  #continueInput: string | undefined;
  readonly #carriedOver: HistoryEvent[] = [];
  #terminated: Completion | undefined;

  constructor(input: ReplayInput) {
    this.#input = input;
    this.#actions = input.state.actions.flat();
  }

  run(): ReplayResult {
    for (const event of this.#input.history) this.#take(event);
    if (this.#terminated) return { decisions: [], completion: this.#terminated, suspended: false };
    if (this.#suspended) return { decisions: [], completion: undefined, suspended: true };
    const completion = this.#listDone && this.#open.size === 0 ? this.#complete() : undefined;
    if (completion) this.#releaseLocks();
    return { decisions: [...this.#pending.values()], completion, suspended: false };
  }

  #complete(): Completion | undefined {
    const { state, functionName } = this.#input;
    if (state.error !== undefined) {
      return failure(functionName, state.error, state.failureDetails ? { failureDetails: state.failureDetails } : {});
    }
    if (this.#continueInput !== undefined) {
      return { status: 'ContinuedAsNew', input: this.#continueInput, carriedOver: this.#carriedOver };
    }
    return state.isDone ? { status: 'Completed', output: toJson(state.output) } : undefined;
  }

  #take(event: HistoryEvent): void {
    if (event.EventType === eventTypes.orchestratorStarted) {
      this.#nowMs = Math.max(this.#nowMs, Date.parse(event.Timestamp));
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
    switch (event.EventType) {
      case eventTypes.executionStarted:
        this.#advance();
        break;
      case eventTypes.executionSuspended:
        this.#suspended = true;
        break;
      case eventTypes.taskScheduled:
        this.#confirm(event, 'task');
        break;
      case eventTypes.timerCreated:
        this.#confirm(event, 'timer');
        break;
      case eventTypes.childCreated:
        this.#confirm(event, 'child');
        break;
      case eventTypes.eventSent:
        this.#confirmMessage(event);
        break;
      case eventTypes.taskCompleted:
      case eventTypes.childCompleted:
        this.#settle(event.TaskScheduledId, { ok: true, event });
        break;
      case eventTypes.taskFailed:
      case eventTypes.childFailed:
        this.#settle(event.TaskScheduledId, { ok: false, event });
        break;
      case eventTypes.timerFired:
        this.#settle(event.TimerId, { ok: true, event });
        break;
      case eventTypes.eventRaised:
        this.#raise(event);
        break;
      default:
    }
  }

  #confirm(event: HistoryEvent, kind: Decision['kind']): void {
    const decision = this.#pending.get(event.EventId);
    const name = decision?.kind === 'task' || decision?.kind === 'child' ? decision.name : undefined;
    if (decision?.kind !== kind || (name !== undefined && name !== event.Name))
      throw nonDeterminism(event, kind, decision);
    this.#pending.delete(event.EventId);
  }

  #confirmMessage(event: HistoryEvent): void {
    const decision = this.#pending.get(event.EventId);
    if (decision?.kind !== 'message' || decision.instanceId !== event.InstanceId)
      throw nonDeterminism(event, 'message', decision);
    this.#pending.delete(event.EventId);
    // The request id was drawn when the message was sent, so the reply carries the recorded one.
    const waiting = this.#replyByTask.get(event.EventId);
    const request = tryParse(event.Input ?? '');
    if (!waiting || !isObject(request) || typeof request['id'] !== 'string') return;
    this.#replyByTask.delete(event.EventId);
    this.#replies.set(request['id'], waiting);
  }

  #settle(id: number | undefined, ended: Parameters<Done>[0]): void {
    if (id === undefined) return;
    const done = this.#open.get(id) ?? this.#detached.get(id);
    this.#open.delete(id);
    this.#detached.delete(id);
    done?.(ended);
  }

  #raise(event: HistoryEvent): void {
    const name = event.Name ?? '';
    const reply = this.#replies.get(name);
    if (reply) {
      this.#replies.delete(name);
      reply({ ok: true, event });
      return;
    }
    if (this.#continueInput !== undefined) return void this.#carriedOver.push(event);
    const wait = this.#waits.get(name)?.pop();
    if (wait) {
      wait({ ok: true, event });
      return;
    }
    const buffered = this.#buffered.get(name);
    if (buffered) buffered.push(event);
    else this.#buffered.set(name, [event]);
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
      this.#start(action, () => {
        step.ended = true;
        if (step.waiting) this.#advance();
      });
      if (!step.ended) {
        step.waiting = true;
        return;
      }
    }
  }

  #start(action: Action, done: Done): void {
    if (++this.#actionCount > this.#input.maxActions) {
      throw new ReplayError(
        `the execution has more than ${this.#input.maxActions} actions (maxOrchestrationActions in host.json); continue as new earlier.`,
      );
    }
    switch (action.actionType) {
      case actionTypes.callActivity:
        this.#callActivity(action, done);
        break;
      case actionTypes.callActivityWithRetry:
        this.#withRetry(action.retryOptions, (ended) => this.#callActivity(action, ended), done);
        break;
      case actionTypes.callSubOrchestrator:
        this.#callChild(action, done);
        break;
      case actionTypes.callSubOrchestratorWithRetry:
        this.#withRetry(action.retryOptions, (ended) => this.#callChild(action, ended), done);
        break;
      case actionTypes.continueAsNew:
        this.#continueInput = toJson(action.input);
        done({ ok: true });
        break;
      case actionTypes.createTimer:
        this.#createTimer(Date.parse(action.fireAt), action.isCanceled, done);
        break;
      case actionTypes.waitForExternalEvent:
        this.#waitForEvent(action.externalEventName, done);
        break;
      case actionTypes.callEntity:
        this.#callEntity(action, done);
        break;
      case actionTypes.signalEntity:
        this.#signalEntity(action, done);
        break;
      case actionTypes.callHttp:
        this.#callHttp(action.httpRequest, done);
        break;
      case actionTypes.whenAny:
        this.#whenAny(action.compoundActions, done);
        break;
      case actionTypes.whenAll:
        this.#whenAll(action.compoundActions, done);
        break;
      case actionTypes.lockEntities:
        this.#lock(action, done);
        break;
      case actionTypes.releaseEntities:
        this.#releaseLocks();
        done({ ok: true });
        break;
      default:
        throw new ReplayError(
          `the orchestrator asked for an action of unknown type ${toJson((action as { actionType: unknown }).actionType)}.`,
        );
    }
  }

  #callActivity(action: { functionName: string; input?: unknown }, done: Done): void {
    this.#require('activity', action.functionName);
    this.#scheduleTask(action.functionName, activityInput(action.input), done);
  }

  #scheduleTask(name: string, input: string | null, done: Done): void {
    const id = this.#nextId++;
    this.#pending.set(id, { kind: 'task', id, name, input });
    this.#open.set(id, done);
  }

  #callChild(
    action: { functionName: string; input?: unknown; instanceId?: string; version?: string },
    done: Done,
  ): void {
    this.#require('orchestration', action.functionName);
    const id = this.#nextId++;
    const given = action.instanceId ?? '';
    const instanceId = given === '' ? `${this.#input.executionId}:${id}` : given;
    this.#pending.set(id, {
      kind: 'child',
      id,
      name: action.functionName,
      instanceId,
      input: toJson(action.input),
      version: action.version,
    });
    this.#open.set(id, done);
  }

  /** A timer far away is a chain of nearer ones. A cancelled one keeps its numbers and events, but nobody waits for it. */
  #createTimer(fireAtMs: number, isCanceled: boolean, done: Done): void {
    const isLong = fireAtMs - this.#nowMs > longTimerThresholdMs;
    const link = (): void =>
      this.#scheduleTimer(
        isLong ? Math.min(this.#nowMs + longTimerStepMs, fireAtMs) : fireAtMs,
        isCanceled ? this.#detached : this.#open,
        () => {
          if (isLong && this.#nowMs < fireAtMs) link();
          else if (!isCanceled) done({ ok: true });
        },
      );
    link();
    if (isCanceled) done({ ok: true });
  }

  #scheduleTimer(fireAtMs: number, waiting: Map<number, Done>, done: Done): void {
    const id = this.#nextId++;
    this.#pending.set(id, { kind: 'timer', id, fireAtMs });
    waiting.set(id, done);
  }

  #waitForEvent(name: string, done: Done): void {
    const event = this.#buffered.get(name)?.shift();
    if (event) {
      done({ ok: true, event });
      return;
    }
    const waits = this.#waits.get(name);
    if (waits) waits.push(done);
    else this.#waits.set(name, [done]);
  }

  #callEntity(action: { instanceId: string; operation: string; input?: unknown }, done: Done): void {
    this.#requireEntity(action.instanceId);
    const request = { op: action.operation, id: this.#input.newId(), ...this.#sender(), ...entityInput(action.input) };
    this.#replyByTask.set(this.#send(action.instanceId, 'op', request), done);
  }

  #signalEntity(action: { instanceId: string; operation: string; input?: unknown }, done: Done): void {
    this.#requireEntity(action.instanceId);
    const request = {
      op: action.operation,
      signal: true,
      id: this.#input.newId(),
      ...this.#sender(),
      ...entityInput(action.input),
    };
    this.#send(action.instanceId, 'op', request);
    done({ ok: true });
  }

  #lock(action: { lockSet: readonly EntityName[]; lockRequestId: string }, done: Done): void {
    const first = action.lockSet[0];
    if (!first) throw new ReplayError('the orchestrator asked for a lock on no entity.');
    for (const entity of action.lockSet) this.#require('entity', entity.name);
    const request = { id: action.lockRequestId, ...this.#sender(), lockset: action.lockSet, pos: 0 };
    const id = this.#send(entityInstanceId(first), 'op', request);
    this.#replyByTask.set(id, (ended) => {
      this.#locks = action.lockSet;
      done(ended);
    });
  }

  #releaseLocks(): void {
    for (const entity of this.#locks) {
      this.#send(entityInstanceId(entity), 'release', { parent: this.#input.instanceId, id: this.#input.newId() });
    }
    this.#locks = [];
  }

  #sender(): { parent: string; parentExecution: string } {
    return { parent: this.#input.instanceId, parentExecution: this.#input.executionId };
  }

  #send(instanceId: string, name: string, request: object): number {
    const id = this.#nextId++;
    this.#pending.set(id, { kind: 'message', id, instanceId, name, input: toJson(request) });
    return id;
  }

  #whenAll(actions: readonly Action[], done: Done): void {
    let left = actions.length;
    let ok = true;
    for (const action of actions) {
      this.#start(action, (ended) => {
        ok &&= ended.ok;
        if (--left === 0) done({ ok });
      });
    }
  }

  #whenAny(actions: readonly Action[], done: Done): void {
    let decided = false;
    for (const action of actions) {
      this.#start(action, (ended) => {
        if (decided) return;
        decided = true;
        done(ended);
      });
    }
  }

  /** After every failure comes a timer; after the last one a timer that is due at once, and then the error. */
  #withRetry(options: RetryOptions, attempt: (done: Done) => void, done: Done): void {
    const startedMs = this.#nowMs;
    const tryOnce = (attemptNumber: number): void =>
      attempt((ended) => {
        if (ended.ok) {
          done(ended);
          return;
        }
        this.#refuseExpiredRetry(options, startedMs);
        const isLast = attemptNumber >= options.maxNumberOfAttempts;
        const delayMs = isLast ? 0 : retryDelayMs(options, attemptNumber);
        this.#scheduleTimer(this.#nowMs + delayMs, this.#open, () =>
          isLast ? done(ended) : tryOnce(attemptNumber + 1),
        );
      });
    tryOnce(1);
  }

  #refuseExpiredRetry(options: RetryOptions, startedMs: number): void {
    const timeoutMs = options.retryTimeoutInMilliseconds;
    if (timeoutMs === undefined || this.#nowMs < startedMs + timeoutMs) return;
    throw new ReplayError(
      `the retry timeout (retryTimeoutInMilliseconds = ${timeoutMs}) has passed. In Azure this orchestration would now hang for ever: ` +
        'durable-functions waits for a retry timer that the Durable extension no longer creates. Limit the number of attempts instead.',
    );
  }

  #callHttp(request: DurableHttpRequest, done: Done): void {
    this.#scheduleTask(httpActivityName, toJson(request), (ended) => {
      const location = ended.ok ? pollLocation(request, ended.event) : undefined;
      if (!location) {
        done(ended);
        return;
      }
      const delayMs = location.retryAfterMs ?? this.#input.defaultHttpPollMs;
      const { headers, ...rest } = request;
      const kept = Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== 'x-functions-key');
      const next = { ...rest, method: 'GET', uri: location.uri, content: null, headers: Object.fromEntries(kept) };
      this.#createTimer(this.#nowMs + delayMs, false, () => this.#callHttp(next, done));
    });
  }

  #requireEntity(instanceId: string): void {
    this.#require('entity', instanceId.slice(1, instanceId.indexOf('@', 1)));
  }

  #require(kind: 'activity' | 'orchestration' | 'entity', name: string): void {
    try {
      this.#input.requireFunction(kind, name);
    } catch (error) {
      throw new ReplayError(errorMessage(error));
    }
  }
}

function retryDelayMs(options: RetryOptions, attemptNumber: number): number {
  const delayMs = options.firstRetryIntervalInMilliseconds * (options.backoffCoefficient ?? 1) ** (attemptNumber - 1);
  return Math.min(delayMs, options.maxRetryIntervalInMilliseconds ?? Number.POSITIVE_INFINITY);
}

/** What an activity's input looks like on the wire: strings come encoded already; booleans take .NET's spelling, as in Azure. */
function activityInput(input: unknown): string | null {
  if (input === undefined || input === null) return null;
  if (typeof input === 'string') return input;
  if (typeof input === 'boolean') return input ? 'True' : 'False';
  return toJson(input);
}

function entityInput(input: unknown): { input?: string } {
  return input === undefined ? {} : { input: toJson(input) };
}

/** Where to ask again after a 202, as the asynchronous HTTP pattern has it. */
function pollLocation(
  request: DurableHttpRequest,
  event: HistoryEvent | undefined,
): { uri: string; retryAfterMs: number | undefined } | undefined {
  const result = tryParse(event?.Result ?? '');
  if (
    request.asynchronousPatternEnabled === false ||
    !isObject(result) ||
    result['statusCode'] !== 202 ||
    !isObject(result['headers'])
  )
    return undefined;
  const headers = new Map(
    Object.entries(result['headers']).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  const location = headers.get('location');
  if (location === undefined) return undefined;
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN);
  return {
    uri: new URL(location, request.uri).href,
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1000 : undefined,
  };
}

const kindWords: Record<Decision['kind'], string> = {
  task: 'an activity',
  timer: 'a timer',
  child: 'a sub-orchestration',
  message: 'an entity message',
};

function nonDeterminism(event: HistoryEvent, recorded: Decision['kind'], decision: Decision | undefined): ReplayError {
  const before = `${kindWords[recorded]}${event.Name === undefined ? '' : ` '${event.Name}'`}`;
  const now = decision ? `${kindWords[decision.kind]}${'name' in decision ? ` '${decision.name}'` : ''}` : 'nothing';
  return new ReplayError(
    `Non-Deterministic workflow detected: the history holds ${before} as number ${event.EventId}, but this time the orchestrator scheduled ${now} there. ` +
      'Was its code changed while this instance was running, or does it depend on time, chance or the environment?',
  );
}
