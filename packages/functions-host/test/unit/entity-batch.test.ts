import { describe, expect, test } from 'vitest';
import { planEntityBatch } from '../../src/durable/entity-batch.ts';
import type { EntityRequest } from '../../src/durable/entity-batch.ts';
import type { MessageRow } from '../../src/store/rows.ts';

const message = (id: number, name: string, request: Partial<EntityRequest>): MessageRow => ({
  id,
  instanceId: '@counter@k',
  executionId: null,
  event: JSON.stringify({ EventType: 15, Name: name, Input: JSON.stringify({ id: `r${id}`, ...request }) }),
});
const op = (id: number, parent: string) => message(id, 'op', { op: 'add', parent });
const lock = (id: number, parent: string) =>
  message(id, 'op', { parent, lockset: [{ name: 'counter', key: 'k' }], pos: 0 });
const release = (id: number, parent: string) => message(id, 'release', { parent });
const plan = (messages: MessageRow[], owner: string | null = null, max = 100) => {
  const { batch, consumed, lockOwner, lock: granted, more } = planEntityBatch(messages, owner, max);
  return { batch: batch.map((one) => one.id), consumed, lockOwner, granted: granted?.id, more };
};

describe('what an entity does next', () => {
  test('operations run in the order in which they came', () => {
    expect(plan([op(1, 'a'), op(2, 'b')])).toEqual({
      batch: ['r1', 'r2'],
      consumed: [1, 2],
      lockOwner: null,
      granted: undefined,
      more: false,
    });
  });

  test('a batch stops at a lock request, which is granted after it', () => {
    expect(plan([op(1, 'a'), lock(2, 'b'), op(3, 'a')])).toEqual({
      batch: ['r1'],
      consumed: [1, 2],
      lockOwner: 'b',
      granted: 'r2',
      more: true,
    });
  });

  test('while locked only the owner is served; others keep their place', () => {
    expect(plan([op(1, 'a'), op(2, 'b'), lock(3, 'c')], 'b')).toMatchObject({
      batch: ['r2'],
      consumed: [2],
      lockOwner: 'b',
      more: false,
    });
  });

  test('a release lets those in front of it go first', () => {
    expect(plan([op(1, 'a'), op(2, 'b'), release(3, 'b'), op(4, 'b')], 'b')).toMatchObject({
      batch: ['r2'],
      consumed: [2, 3],
      lockOwner: null,
      more: true,
    });
  });

  test('a stranger cannot release the lock', () => {
    expect(plan([release(1, 'a')], 'b')).toMatchObject({ consumed: [1], lockOwner: 'b' });
  });

  test('a batch is no longer than allowed', () => {
    expect(plan([op(1, 'a'), op(2, 'a'), op(3, 'a')], null, 2)).toMatchObject({ batch: ['r1', 'r2'], more: true });
  });
});
