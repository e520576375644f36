import { errorMessage } from '../errors.ts';
import { toJson } from '../json.ts';
import { actionTypes, entityInstanceId } from './actions.ts';
import type {
  Action,
  CallAction,
  DurableHttpRequest,
  EntityAction,
  EntityName,
  LockAction,
  RetryOptions,
} from './actions.ts';
import { ExternalEvents } from './external-events.ts';
import { NumberedWork } from './numbered-work.ts';
import type { Done } from './numbered-work.ts';
import {
  activityInput,
  childId,
  entityInput,
  pollLocation,
  pollRequest,
  refuseExpiredRetry,
  ReplayError,
  retryDelayMs,
  timerMs,
} from './replay-rules.ts';

/** The activity name under which an HTTP call of an orchestrator travels. */
export const httpActivityName = 'BuiltIn::HttpActivity';

const longTimerThresholdMs = 6 * 24 * 3_600_000;
const longTimerStepMs = 3 * 24 * 3_600_000;

export interface PerformerOptions {
  readonly instanceId: string;
  readonly executionId: string;
  readonly maxActions: number;
  readonly defaultHttpPollMs: number;
  /** Throws if the app has no such function. */
  readonly requireFunction: (kind: 'activity' | 'orchestration' | 'entity', name: string) => void;
  readonly newId: () => string;
}

/** Turns actions into numbered work, as the Durable extension does for languages outside its process. */
export class ActionPerformer {
  readonly work = new NumberedWork();
  readonly events = new ExternalEvents();
  /** Time of the current turn. */
  nowMs = 0;
  /** JSON text of the next execution's input, once continue-as-new was asked for. */
  continueInput: string | undefined;
  readonly #options: PerformerOptions;
  #locks: readonly EntityName[] = [];
  #actionCount = 0;

  constructor(options: PerformerOptions) {
    this.#options = options;
  }

  /** Begins an action; `done` is called when it has ended, at once if there is nothing to wait for. Throws ReplayError. */
  perform(action: Action, done: Done): void {
    const { maxActions } = this.#options;
    if (++this.#actionCount > maxActions) {
      throw new ReplayError(
        `the execution has more than ${maxActions} actions (maxOrchestrationActions in host.json); continue as new earlier.`,
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
        this.continueInput = toJson(action.input);
        done({ ok: true });
        break;
      case actionTypes.createTimer:
        this.#createTimer(timerMs(action.fireAt), action.isCanceled, done);
        break;
      case actionTypes.waitForExternalEvent:
        this.events.wait(action.externalEventName, done);
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
        this.releaseLocks();
        done({ ok: true });
        break;
      default:
        throw new ReplayError(
          `the orchestrator asked for an action of unknown type ${toJson((action as { actionType: unknown }).actionType)}.`,
        );
    }
  }

  /** Lets go of every lock that is held. */
  releaseLocks(): void {
    for (const entity of this.#locks) {
      this.#send(entityInstanceId(entity), 'release', { parent: this.#options.instanceId, id: this.#options.newId() });
    }
    this.#locks = [];
  }

  #callActivity({ functionName, input }: CallAction, done: Done): void {
    this.#require('activity', functionName);
    this.#scheduleTask(functionName, activityInput(input), done);
  }

  #scheduleTask(name: string, input: string | null, done: Done): void {
    this.work.add(() => ({ kind: 'task', name, input }), ['open', done]);
  }

  #callChild({ functionName, input, instanceId, version }: CallAction, done: Done): void {
    this.#require('orchestration', functionName);
    const given = childId(instanceId);
    const idFor = (id: number) => (given === '' ? `${this.#options.executionId}:${id}` : given);
    const decide = (id: number) =>
      ({ kind: 'child', name: functionName, instanceId: idFor(id), input: toJson(input), version }) as const;
    this.work.add(decide, ['open', done]);
  }

  /** A timer far away is a chain of nearer ones. A cancelled one keeps its numbers and events, but nobody waits for it. */
  #createTimer(fireAtMs: number, isCanceled: boolean, done: Done): void {
    const isLong = fireAtMs - this.nowMs > longTimerThresholdMs;
    const waiting = isCanceled ? 'detached' : 'timer';
    const link = (): void => {
      const stepAtMs = isLong ? Math.min(this.nowMs + longTimerStepMs, fireAtMs) : fireAtMs;
      this.work.add(() => ({ kind: 'timer', fireAtMs: stepAtMs }), [waiting, arrived]);
    };
    const arrived = (): void => {
      if (isLong && this.nowMs < fireAtMs) link();
      else if (!isCanceled) done({ ok: true });
    };
    link();
    if (isCanceled) done({ ok: true });
  }

  #callEntity({ instanceId, operation, input }: EntityAction, done: Done): void {
    this.#requireEntity(instanceId);
    this.#send(instanceId, 'op', { op: operation, ...this.#newRequest(), ...entityInput(input) }, done);
  }

  #signalEntity({ instanceId, operation, input }: EntityAction, done: Done): void {
    this.#requireEntity(instanceId);
    this.#send(instanceId, 'op', { op: operation, signal: true, ...this.#newRequest(), ...entityInput(input) });
    done({ ok: true });
  }

  #lock({ lockSet, lockRequestId }: LockAction, done: Done): void {
    const first = lockSet[0];
    if (!first) throw new ReplayError('the orchestrator asked for a lock on no entity.');
    for (const entity of lockSet) this.#require('entity', entity.name);
    const request = { ...this.#newRequest(), id: lockRequestId, lockset: lockSet, pos: 0 };
    this.#send(entityInstanceId(first), 'op', request, (ended) => {
      this.#locks = lockSet;
      done(ended);
    });
  }

  #newRequest(): { id: string; parent: string; parentExecution: string } {
    const { newId, instanceId, executionId } = this.#options;
    return { id: newId(), parent: instanceId, parentExecution: executionId };
  }

  #send(instanceId: string, name: string, request: object, onReply?: Done): void {
    const decide = () => ({ kind: 'message', instanceId, name, input: toJson(request) }) as const;
    this.work.add(decide, onReply && ['reply', onReply]);
  }

  #whenAll(actions: readonly Action[], done: Done): void {
    let left = actions.length;
    let ok = true;
    for (const action of actions) {
      this.perform(action, (ended) => {
        ok &&= ended.ok;
        if (--left === 0) done({ ok });
      });
    }
  }

  #whenAny(actions: readonly Action[], done: Done): void {
    let decided = false;
    for (const action of actions) {
      this.perform(action, (ended) => {
        if (decided) return;
        decided = true;
        done(ended);
      });
    }
  }

  /** After every failure comes a timer; after the last one a timer that is due at once, and then the error. */
  #withRetry(options: RetryOptions, attempt: (done: Done) => void, done: Done): void {
    const startedMs = this.nowMs;
    const tryOnce = (attemptNumber: number): void =>
      attempt((ended) => {
        if (ended.ok) {
          done(ended);
          return;
        }
        refuseExpiredRetry(options, startedMs, this.nowMs);
        const isLast = attemptNumber >= options.maxNumberOfAttempts;
        const fireAtMs = this.nowMs + (isLast ? 0 : retryDelayMs(options, attemptNumber));
        const next = () => (isLast ? done(ended) : tryOnce(attemptNumber + 1));
        this.work.add(() => ({ kind: 'timer', fireAtMs }), ['timer', next]);
      });
    tryOnce(1);
  }

  #callHttp(request: DurableHttpRequest, done: Done): void {
    this.#scheduleTask(httpActivityName, toJson(request), (ended) => {
      const location = ended.ok ? pollLocation(request, ended.event) : undefined;
      if (!location) {
        done(ended);
        return;
      }
      const fireAtMs = this.nowMs + (location.retryAfterMs ?? this.#options.defaultHttpPollMs);
      this.#createTimer(fireAtMs, false, () => this.#callHttp(pollRequest(request, location.uri), done));
    });
  }

  #requireEntity(instanceId: string): void {
    this.#require('entity', instanceId.slice(1, instanceId.indexOf('@', 1)));
  }

  #require(kind: 'activity' | 'orchestration' | 'entity', name: string): void {
    try {
      this.#options.requireFunction(kind, name);
    } catch (error) {
      throw new ReplayError(errorMessage(error));
    }
  }
}
