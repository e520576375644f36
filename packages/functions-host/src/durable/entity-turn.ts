import { randomUUID } from 'node:crypto';
import { errorMessage } from '../errors.ts';
import { isObject, toJson, tryParse } from '../json.ts';
import type { EntityRow } from '../store/rows.ts';
import { entityInstanceId, parseEntityInstanceId } from './actions.ts';
import type { EntityName } from './actions.ts';
import { noEffects } from './durable-host.ts';
import type { DurableHost, Effects } from './durable-host.ts';
import { planEntityBatch } from './entity-batch.ts';
import type { EntityPlan, EntityRequest } from './entity-batch.ts';
import { eventTypes } from './history.ts';
import { sendEvent } from './instances.ts';

/** What an entity function gives back for a batch. */
interface EntityAnswer {
  readonly entityExists: boolean;
  readonly entityState?: string | null;
  readonly results: readonly { readonly isError: boolean; readonly result?: string }[];
  readonly signals: readonly { readonly target: EntityName; readonly name: string; readonly input?: string }[];
}

/** Runs the next batch of a durable entity and commits state, replies and signals in one transaction. Rejects only if the store fails. */
export async function runEntityTurn(host: DurableHost, id: string): Promise<Effects> {
  const name = parseEntityInstanceId(id);
  const messages = host.store.messages(id);
  if (!name || messages.length === 0) return noEffects();
  const row = host.store.entity(id) ?? { id, ...name, present: 0, state: null, lockOwner: null, updatedAt: 0 };
  const plan = planEntityBatch(messages, row.lockOwner, host.settings.maxEntityOperationBatchSize);
  const answer = plan.batch.length > 0 ? await callEntity(host, row, plan.batch) : undefined;
  const effects = commit(host, row, plan, answer);
  if (plan.more) effects.notified.add(id);
  return effects;
}

/** Writes a batch. An answer that cannot be written counts as a failure of the whole batch; if that cannot be written, the store is at fault. */
function commit(host: DurableHost, row: EntityRow, plan: EntityPlan, answer: EntityAnswer | undefined): Effects {
  const write = (what: EntityAnswer | undefined): Effects => {
    const effects = noEffects();
    host.store.transaction(() => commitBatch(host, row, plan, what, effects));
    return effects;
  };
  try {
    return write(answer);
  } catch (error) {
    if (!answer) throw error;
    return write(failedBatch(host, row, plan.batch, error));
  }
}

async function callEntity(host: DurableHost, row: EntityRow, batch: readonly EntityRequest[]): Promise<EntityAnswer> {
  const trigger = {
    self: { name: row.name, key: row.key },
    exists: row.present === 1,
    state: row.present === 1 ? row.state : null,
    batch: batch.map((one) => ({
      id: one.id,
      name: one.op ?? '',
      input: one.input ?? null,
      isSignal: one.signal === true,
    })),
  };
  try {
    const fn = host.catalog.find('entity', row.name);
    if (!fn) throw new Error(`there is no entity function '${row.name}'`);
    const { returnValue } = await host.invoke({ fn, trigger: { string: toJson(trigger) } });
    const answer = tryParse(returnValue?.json ?? '');
    if (isAnswer(answer, batch.length)) return answer;
    throw new Error(
      'it did not answer every operation of its batch. Does it call context.df.return more than once for one operation?',
    );
  } catch (error) {
    return failedBatch(host, row, batch, error);
  }
}

/** Every operation of the batch failed, and the entity is as it was. */
function failedBatch(host: DurableHost, row: EntityRow, batch: readonly EntityRequest[], error: unknown): EntityAnswer {
  const message = `Entity function '${row.name}' failed: ${errorMessage(error)}`;
  host.log('error', 'Host.Durable', message);
  return {
    entityExists: row.present === 1,
    entityState: row.state,
    results: batch.map(() => ({ isError: true, result: toJson(message) })),
    signals: [],
  };
}

function isAnswer(value: unknown, batchSize: number): value is EntityAnswer {
  return (
    isObject(value) &&
    Array.isArray(value['results']) &&
    Array.isArray(value['signals']) &&
    value['results'].length >= batchSize
  );
}

function commitBatch(
  host: DurableHost,
  row: EntityRow,
  plan: EntityPlan,
  answer: EntityAnswer | undefined,
  effects: Effects,
): void {
  const { store } = host;
  const nowMs = host.clock.now();
  for (const messageId of plan.consumed) store.deleteMessage(messageId);
  if (answer) {
    plan.batch.forEach((request, index) => reply(host, request, answer.results[index], nowMs, effects));
    for (const signal of answer.signals) {
      const request: EntityRequest = {
        id: randomUUID(),
        op: signal.name,
        signal: true,
        ...(signal.input ? { input: signal.input } : {}),
      };
      send(
        host,
        entityInstanceId(signal.target),
        { name: 'op', input: toJson(request), execution: null },
        nowMs,
        effects,
      );
    }
  }
  if (plan.lock) passLockOn(host, plan.lock, nowMs, effects);
  saveEntity(host, row, plan.lockOwner, answer, nowMs);
}

function saveEntity(
  host: DurableHost,
  row: EntityRow,
  lockOwner: string | null,
  answer: EntityAnswer | undefined,
  nowMs: number,
): void {
  const present = answer ? Number(answer.entityExists) : row.present;
  const state = answer ? (answer.entityExists ? (answer.entityState ?? null) : null) : row.state;
  if (present === 0 && lockOwner === null) {
    host.store.deleteEntity(row.id);
    return;
  }
  host.store.putEntity({ ...row, present, state, lockOwner, updatedAt: answer ? nowMs : row.updatedAt });
}

function reply(
  host: DurableHost,
  request: EntityRequest,
  result: EntityAnswer['results'][number] | undefined,
  nowMs: number,
  effects: Effects,
): void {
  if (request.signal === true || request.parent === undefined) return;
  const response = {
    result: result?.result ?? null,
    ...(result?.isError === true ? { exceptionType: 'System.Exception' } : {}),
  };
  send(
    host,
    request.parent,
    { name: request.id, input: toJson(response), execution: request.parentExecution ?? null },
    nowMs,
    effects,
  );
}

/** A lock on several entities travels from one to the next; the last one tells the orchestration. */
function passLockOn(host: DurableHost, lock: EntityRequest, nowMs: number, effects: Effects): void {
  const pos = (lock.pos ?? 0) + 1;
  const next = lock.lockset?.[pos];
  if (next) {
    send(
      host,
      entityInstanceId(next),
      { name: 'op', input: toJson({ ...lock, pos }), execution: null },
      nowMs,
      effects,
    );
  } else if (lock.parent !== undefined) {
    const input = toJson({ result: toJson('Lock Acquisition Completed') });
    send(host, lock.parent, { name: lock.id, input, execution: lock.parentExecution ?? null }, nowMs, effects);
  }
}

interface Mail {
  readonly name: string;
  readonly input: string;
  readonly execution: string | null;
}

function send(host: DurableHost, to: string, mail: Mail, nowMs: number, effects: Effects): void {
  sendEvent(
    host.store,
    { id: to, executionId: mail.execution },
    { EventType: eventTypes.eventRaised, Name: mail.name, Input: mail.input },
    nowMs,
  );
  effects.notified.add(to);
}
