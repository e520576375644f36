import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DurableDriver, startTestHost, until } from './support.ts';
import type { Status, TestHost } from './support.ts';

let host: TestHost;
let durable: DurableDriver;

beforeAll(async () => {
  host = await startTestHost('durable');
  durable = new DurableDriver(host.url);
});
afterAll(() => host.close());

const running = (id: string) =>
  until(
    () => durable.status(id),
    (status) => status.runtimeStatus === 'Running',
  );

describe('the unmodified DurableClient', () => {
  test('events reach a waiting orchestration and the cancelled timeout does not delay its end', async () => {
    const id = await durable.start('approval');
    await until(
      () => durable.status(id),
      (status) => status.customStatus !== null,
    );
    await durable.client('raiseEvent', id, 'Approval', { by: 'me' });
    expect(await durable.finish(id)).toMatchObject({
      output: { approved: { by: 'me' } },
      customStatus: { waiting: true },
    });
  });

  test('an event that comes before its wait is kept', async () => {
    const id = await durable.start('twoEvents');
    await durable.client('raiseEvent', id, 'B', 2);
    await durable.client('raiseEvent', id, 'A', 1);
    expect((await durable.finish(id)).output).toEqual({ first: 1, second: 2 });
  });

  test('terminate ends a run at once with the reason as its output', async () => {
    const id = await durable.start('twoEvents');
    await running(id);
    await durable.client('terminate', id, 'enough');
    expect(await durable.finish(id)).toMatchObject({ runtimeStatus: 'Terminated', output: 'enough' });
    await durable.client('raiseEvent', id, 'A', 1);
  });

  test('a terminated child fails its parent outside of user code', async () => {
    const id = await durable.start('terminatedChild');
    await until(
      () => durable.status(`${id}-child`).catch(() => undefined),
      (status) => status?.runtimeStatus === 'Running',
    );
    await durable.client('terminate', `${id}-child`, 'enough');
    expect((await durable.finish(id)).output).toMatch(/failed but we could not parse its exception data/u);
  });

  test('a suspended run holds events back until it is resumed', async () => {
    const id = await durable.start('twoEvents');
    await running(id);
    await durable.client('suspend', id, 'pause');
    await until(
      () => durable.status(id),
      (status) => status.runtimeStatus === 'Suspended',
    );
    await durable.client('raiseEvent', id, 'A', 1);
    await durable.client('raiseEvent', id, 'B', 2);
    const taken = await until(
      () => durable.status(id, 'showHistory=true'),
      ({ historyEvents = [] }) => historyEvents.filter((event) => event['EventType'] === 'EventRaised').length === 2,
    );
    expect(taken.runtimeStatus).toBe('Suspended');
    await durable.client('resume', id, 'go on');
    expect((await durable.finish(id)).output).toEqual({ first: 1, second: 2 });
  });

  test('an id in use is refused while it runs and may be used again afterwards', async () => {
    await durable.start('twoEvents', undefined, 'single');
    await expect(durable.client('startNew', 'greet', { instanceId: 'single' })).rejects.toThrow(/already exists/u);
    await durable.client('terminate', 'single', '');
    await durable.finish('single');
    await durable.start('greet', undefined, 'single');
    expect((await durable.finish('single')).output).toHaveLength(3);
  });

  test.each(['@entity', 'a#b', 'x'.repeat(257)])('the instance id %s is refused', async (instanceId) => {
    const path = encodeURIComponent(instanceId);
    const response = await fetch(`${host.url}/runtime/webhooks/durabletask/orchestrators/greet/${path}`, {
      method: 'POST',
    });
    expect(response.status).toBe(400);
  });

  test('unknown orchestrators and instances are rejected', async () => {
    await expect(durable.client('startNew', 'nobody')).rejects.toThrow(/doesn't exist/u);
    await expect(durable.client('getStatus', 'nobody')).rejects.toThrow(/404/u);
    await expect(durable.client('terminate', 'nobody', '')).rejects.toThrow(/No instance with ID 'nobody' found/u);
  });

  test('status lists are filtered and paged', async () => {
    for (let i = 0; i < 120; i++) await durable.start('greet', undefined, `paged-${String(i).padStart(3, '0')}`);
    for (let i = 0; i < 120; i++) await durable.finish(`paged-${String(i).padStart(3, '0')}`);
    const all = (await durable.client('getStatusAll')) as Status[];
    expect(all.filter((status) => status.instanceId.startsWith('paged-'))).toHaveLength(120);
    const failed = (await durable.client('getStatusBy', { runtimeStatus: ['Failed'] })) as Status[];
    expect(failed.every((status) => status.runtimeStatus === 'Failed')).toBe(true);
  });

  test('purging removes one instance or all finished ones', async () => {
    const waiting = await durable.start('twoEvents');
    const done = await durable.run('greet');
    expect(await durable.client('purgeInstanceHistory', done.instanceId)).toEqual({ instancesDeleted: 1 });
    expect(await durable.client('purgeInstanceHistory', done.instanceId)).toEqual({ instancesDeleted: 0 });
    await durable.run('greet');
    const { instancesDeleted } = (await durable.client('purgeInstanceHistoryBy', {
      createdTimeFrom: '2020-01-01T00:00:00Z',
    })) as { instancesDeleted: number };
    expect(instancesDeleted).toBeGreaterThan(0);
    expect((await durable.status(waiting)).runtimeStatus).toBe('Running');
  });

  test('a failed run is rewound: what failed runs again, children included, and what succeeded does not', async () => {
    const { instanceId, runtimeStatus } = await durable.run('rewindable', { key: 'rewound', times: 2 });
    expect(runtimeStatus).toBe('Failed');
    await durable.client('rewind', instanceId, 'repaired');
    expect((await durable.finish(instanceId)).runtimeStatus).toBe('Failed');
    await durable.client('rewind', instanceId, 'repaired');
    expect(await durable.finish(instanceId)).toMatchObject({
      runtimeStatus: 'Completed',
      output: ['attempt 1 succeeded', 'attempt 3 succeeded'],
    });
    await expect(durable.client('rewind', 'nobody', '')).rejects.toThrow(/No instance/u);
  });

  test('waiting for completion answers with the output', async () => {
    const response = await fetch(`${host.url}/api/wait/greet`, { method: 'POST' });
    expect([response.status, await response.json()]).toEqual([200, ['Hello Tokyo', 'Hello Seattle', 'Hello London']]);
  });
});

describe('management links', () => {
  test('a started run answers 202 with links that work', async () => {
    const response = await fetch(`${host.url}/api/start/greet`, { method: 'POST' });
    expect(response.status).toBe(202);
    expect(response.headers.get('retry-after')).toBe('10');
    const links = (await response.json()) as Record<string, string>;
    expect(response.headers.get('location')).toBe(links['statusQueryGetUri']);
    await durable.finish(String(links['id']));
    expect(((await (await fetch(String(links['statusQueryGetUri']))).json()) as Status).output).toHaveLength(3);
  });

  test('a finished run can be restarted under a new id', async () => {
    const { instanceId } = await durable.run('chain', { start: 4, steps: 1 });
    const response = await fetch(`${host.url}/runtime/webhooks/durabletask/instances/${instanceId}/restart`, {
      method: 'POST',
    });
    const { id } = (await response.json()) as { id: string };
    expect(id).not.toBe(instanceId);
    expect((await durable.finish(id)).output).toBe(5);
  });
});

test("the address of the app's own clients, which needs no key, is closed to web pages", async () => {
  const path = `${host.url}/durabletask/instances`;
  expect((await fetch(path)).status).toBe(200);
  expect((await fetch(path, { headers: { origin: 'https://elsewhere.example' } })).status).toBe(403);
  expect((await fetch(path.replace('127.0.0.1', 'localhost'))).status).toBe(403);
});

test('management without keys is closed to pages of other sites, and to names that lead here', async () => {
  const path = `${host.url}/runtime/webhooks/durabletask/instances`;
  expect((await fetch(path)).status).toBe(200);
  expect((await fetch(path.replace('127.0.0.1', 'localhost'))).status).toBe(200);
  expect((await fetch(path, { headers: { origin: 'https://elsewhere.example' } })).status).toBe(403);
  const timer = await fetch(`${host.url}/admin/functions/none`, { method: 'POST', headers: { origin: 'null' } });
  expect(timer.status).toBe(403);
});
