import { randomUUID } from 'node:crypto';
import { isFinished } from '../store/rows.ts';
import type { InstanceRow, RuntimeStatus } from '../store/rows.ts';
import type { InstanceQuery } from '../store/store.ts';
import { entityInstanceId } from './actions.ts';
import type { EntityName } from './actions.ts';
import { requireFunction } from './durable-host.ts';
import type { DurableEngine } from './engine.ts';
import { eventTypes } from './history.ts';
import type { EventBody } from './history.ts';
import { createInstance, faultOfInstanceId, newId, sendEvent } from './instances.ts';
import { rewindInstance } from './rewind.ts';

/** A request that cannot be served; `httpStatus` is what the Durable HTTP API answers. */
export class OperationError extends Error {
  readonly kind = 'operation';
  readonly httpStatus: number;
  constructor(httpStatus: number, message: string) {
    super(message);
    this.httpStatus = httpStatus;
  }
}

export interface StartOptions {
  readonly name: string;
  readonly id?: string | undefined;
  /** JSON text. */
  readonly input: string | null;
  readonly version?: string | undefined;
}

/** What became of a message to an instance. */
export type Delivery = 'accepted' | 'finished' | 'unknown';

/** What a client can do to orchestrations and entities; each call is one transaction. */
export class DurableOperations {
  readonly #engine: DurableEngine;

  constructor(engine: DurableEngine) {
    this.#engine = engine;
  }

  /** Starts an orchestration and returns its instance id. Throws OperationError: 400 unknown function or bad id, 409 id in use. */
  start(options: StartOptions): string {
    const { store, clock, settings } = this.#engine.host;
    const name = this.#orchestrator(options.name);
    const id = options.id ?? newId();
    requireValidId(id);
    store.transaction(() => {
      const existing = store.instance(id);
      if (existing && !isFinished(existing.status) && settings.overridableExistingInstanceStates !== 'AnyState') {
        throw new OperationError(409, `An Orchestration instance with the status ${existing.status} already exists.`);
      }
      const version = options.version ?? settings.defaultVersion;
      createInstance(store, { id, name, version, input: options.input }, clock.now());
    });
    this.#engine.notify(id);
    return id;
  }

  raiseEvent(id: string, name: string, input: string | null): Delivery {
    return this.#deliver(id, { EventType: eventTypes.eventRaised, Name: name, Input: input });
  }

  terminate(id: string, reason: string): Delivery {
    return this.#deliver(id, { EventType: eventTypes.executionTerminated, Input: reason });
  }

  suspend(id: string, reason: string): Delivery {
    return this.#deliver(id, { EventType: eventTypes.executionSuspended, Reason: reason });
  }

  resume(id: string, reason: string): Delivery {
    return this.#deliver(id, { EventType: eventTypes.executionResumed, Reason: reason });
  }

  /** Takes a failed instance back to before its failures. Throws OperationError 412 if it has not failed but is still running. */
  rewind(id: string, reason: string): Delivery {
    const { store, clock } = this.#engine.host;
    const instance = store.instance(id);
    if (!instance) return 'unknown';
    if (!isFinished(instance.status)) {
      throw new OperationError(412, 'The rewind operation is only supported on failed orchestration instances.');
    }
    if (instance.status !== 'Failed') return 'finished';
    const woken = new Set<string>();
    store.transaction(() => rewindInstance({ store, reason, nowMs: clock.now(), woken }, instance));
    for (const one of woken) this.#engine.notify(one);
    return 'accepted';
  }

  /** Starts an instance again with the same name and input. Throws OperationError: 400 unknown id, 409 still running. */
  restart(id: string, withNewId: boolean): string {
    const instance = this.instance(id);
    if (!instance) throw new OperationError(400, `An orchestration with the instanceId ${id} was not found.`);
    return this.start({
      name: instance.name,
      input: instance.input,
      version: instance.version,
      ...(withNewId ? {} : { id }),
    });
  }

  instance(id: string): InstanceRow | undefined {
    return this.#engine.host.store.instance(id);
  }

  instances(query: InstanceQuery): InstanceRow[] {
    return this.#engine.host.store.instances(query);
  }

  /** JSON arrays of history events, one per turn. */
  history(id: string): readonly string[] {
    return this.#engine.host.store.history(id);
  }

  /** Deletes an instance in whatever state it is; false if there is none. */
  purge(id: string): boolean {
    const { store } = this.#engine.host;
    return store.transaction(() => {
      if (!store.instance(id)) return false;
      store.deleteInstance(id);
      return true;
    });
  }

  /** Deletes finished instances by filter, a page at a time so that everything else goes on, and returns how many. */
  async purgeFinished(filter: {
    createdFrom: number;
    createdTo?: number | undefined;
    statuses?: readonly RuntimeStatus[] | undefined;
  }): Promise<number> {
    const { store } = this.#engine.host;
    const finished = (filter.statuses?.length ? filter.statuses : finishedStatuses).filter(isFinished);
    if (finished.length === 0) return 0;
    let count = 0;
    for (;;) {
      const page = store.instances({ ...filter, statuses: finished, limit: purgePageSize });
      store.transaction(() => page.forEach((row) => store.deleteInstance(row.id)));
      count += page.length;
      if (page.length < purgePageSize) return count;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Sends a one-way operation to a durable entity. Throws OperationError 400 if the app has no such entity function. */
  signalEntity(entity: EntityName, operation: string, input: string | undefined): void {
    const { store, clock, catalog } = this.#engine.host;
    if (!catalog.find('entity', entity.name))
      throw new OperationError(400, unknownEntity(entity.name, catalog.names('entity')));
    const id = entityInstanceId(entity);
    const request = { op: operation, signal: true, id: randomUUID(), ...(input === undefined ? {} : { input }) };
    const event = { EventType: eventTypes.eventRaised, Name: 'op', Input: JSON.stringify(request) };
    sendEvent(store, { id, executionId: null }, event, clock.now());
    this.#engine.notify(id);
  }

  #deliver(id: string, event: EventBody): Delivery {
    const { store, clock } = this.#engine.host;
    const instance = store.instance(id);
    if (!instance) return 'unknown';
    if (isFinished(instance.status)) return 'finished';
    sendEvent(store, { id, executionId: null }, event, clock.now());
    this.#engine.notify(id);
    return 'accepted';
  }

  #orchestrator(name: string): string {
    try {
      return requireFunction(this.#engine.host.catalog, 'orchestration', name).name;
    } catch (error) {
      throw new OperationError(400, (error as Error).message);
    }
  }
}

const finishedStatuses: readonly RuntimeStatus[] = ['Completed', 'Failed', 'Terminated', 'Canceled'];
const purgePageSize = 500;

function unknownEntity(name: string, known: readonly string[]): string {
  return `The function '${name}' doesn't exist, is disabled, or is not an entity function. Known entity functions: ${known.join(', ')}.`;
}

function requireValidId(id: string): void {
  const fault = faultOfInstanceId(id);
  if (fault !== undefined) throw new OperationError(400, fault);
}
