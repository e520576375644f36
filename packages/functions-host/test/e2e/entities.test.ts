import { afterAll, beforeAll, expect, test } from 'vitest';
import { DurableDriver, startTestHost, until } from './support.ts';
import type { TestHost } from './support.ts';

let host: TestHost;
let durable: DurableDriver;

beforeAll(async () => {
  host = await startTestHost('durable');
  durable = new DurableDriver(host.url);
});
afterAll(() => host.close());

const counter = (key: string) => ({ entity: 'counter', key });
const state = (key: string) =>
  durable.client('readEntityState', counter(key)) as Promise<{ entityExists: boolean; entityState?: unknown }>;

test('signals and calls of one orchestration reach an entity in order', async () => {
  expect((await durable.run('counts', { key: 'ordered', times: 5 })).output).toEqual({ reached: 15, read: 15 });
  expect(await state('ordered')).toEqual({ entityExists: true, entityState: 15 });
});

test('many orchestrations on one entity lose no operation', async () => {
  const ids = await Promise.all(Array.from({ length: 30 }, () => durable.start('counts', { key: 'shared', times: 3 })));
  for (const id of ids) await durable.finish(id);
  expect((await state('shared')).entityState).toBe(30 * 13);
});

test('clients signal entities, entities signal each other, and a deleted entity is gone', async () => {
  await durable.client('signalEntity', counter('first'), 'add', 2);
  await durable.client('signalEntity', counter('first'), 'forward', { to: 'second', amount: 7 });
  expect(
    await until(
      () => state('second'),
      (read) => read.entityExists,
    ),
  ).toMatchObject({ entityState: 7 });
  await durable.client('signalEntity', counter('first'), 'delete');
  await until(
    () => state('first'),
    (read) => !read.entityExists,
  );
});

test('a string thrown by an entity reaches the caller as an error', async () => {
  expect((await durable.run('entityError')).output).toBe('the counter is stuck');
});

test('locks keep transfers between entities apart', async () => {
  const there = { from: 'x', to: 'y', amount: 3 };
  const back = { from: 'y', to: 'x', amount: 1 };
  const transfers = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? there : back));
  const ids = await Promise.all(transfers.map((transfer) => durable.start('transfer', transfer)));
  const outputs = await Promise.all(ids.map(async (id) => (await durable.finish(id)).output));
  expect(outputs).toEqual(transfers.map(({ amount }) => ({ moved: amount })));
  expect((await state('x')).entityState).toBe(-20);
  expect((await state('y')).entityState).toBe(20);
});
