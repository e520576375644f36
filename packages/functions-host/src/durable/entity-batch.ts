import { isObject, tryParse } from '../json.ts';
import type { MessageRow } from '../store/rows.ts';
import type { EntityName } from './actions.ts';
import type { HistoryEvent } from './history.ts';

/** What is sent to a durable entity: an operation, a request for its lock, or the release of that lock. */
export interface EntityRequest {
  readonly id: string;
  readonly op?: string;
  /** JSON text. */
  readonly input?: string;
  readonly signal?: boolean;
  readonly parent?: string;
  readonly parentExecution?: string;
  readonly lockset?: readonly EntityName[];
  readonly pos?: number;
}

/** What an entity does next. Messages that are neither consumed nor part of the batch stay for later. */
export interface EntityPlan {
  readonly batch: readonly EntityRequest[];
  readonly consumed: readonly number[];
  /** A lock to grant once the batch is through. */
  readonly lock: EntityRequest | undefined;
  readonly lockOwner: string | null;
  /** More can be done right after this plan. */
  readonly more: boolean;
}

/**
 * Sorts an entity's waiting messages: operations in the order of arrival, only the owner's while the entity is locked; a batch ends
 * at a lock request and at a release, so that order is kept.
 */
export function planEntityBatch(
  messages: readonly MessageRow[],
  lockOwner: string | null,
  maxBatchSize: number,
): EntityPlan {
  const batch: EntityRequest[] = [];
  const consumed: number[] = [];
  for (const message of messages) {
    const { name, request } = readMessage(message);
    if (!request) {
      consumed.push(message.id);
    } else if (name === 'release') {
      consumed.push(message.id);
      if (request.parent === lockOwner) return { batch, consumed, lock: undefined, lockOwner: null, more: true };
    } else if (lockOwner !== null && request.parent !== lockOwner) {
      continue;
    } else if (request.lockset) {
      consumed.push(message.id);
      return { batch, consumed, lock: request, lockOwner: request.parent ?? null, more: true };
    } else {
      consumed.push(message.id);
      batch.push(request);
      if (batch.length >= maxBatchSize) return { batch, consumed, lock: undefined, lockOwner, more: true };
    }
  }
  return { batch, consumed, lock: undefined, lockOwner, more: false };
}

function readMessage(message: MessageRow): { name: string | undefined; request: EntityRequest | undefined } {
  const event = JSON.parse(message.event) as HistoryEvent;
  const request = tryParse(event.Input ?? '');
  return { name: event.Name, request: isObject(request) ? (request as unknown as EntityRequest) : undefined };
}
