import { expect, test } from 'vitest';
import { createClient } from '../../../cli/client.ts';
import { RefusedError, UnreachableError } from '../../../cli/errors.ts';
import { followRun } from '../../../cli/follow-run.ts';
import { drop, json, startFakeService } from './fake-service.ts';
import { sampleRun } from './sample-run.ts';

function recordSleeps() {
  const sleeps: number[] = [];
  const sleep = (ms: number) => {
    sleeps.push(ms);
    return Promise.resolve();
  };
  return { sleeps, sleep };
}

test('a run is started with key, idempotency key and spec', async () => {
  await using service = await startFakeService([json(202, { runId: 'r1', links: sampleRun.links })]);
  const client = createClient({ url: `${service.url}/gateway`, key: 'secret' });
  expect((await client.startRun({ connection: 'main' }, 'load-1')).runId).toBe('r1');
  expect(service.seen).toHaveLength(1);
  expect(service.seen[0]).toMatchObject({
    method: 'POST',
    path: '/gateway/api/runs',
    body: '{"connection":"main"}',
    headers: { 'x-functions-key': 'secret', 'idempotency-key': 'load-1', 'content-type': 'application/json' },
  });
});

test('a refused spec is told with every fault', async () => {
  const errors = [
    { pointer: '/connection', detail: 'Not configured.' },
    { pointer: '/source/blob', detail: 'Does not exist.' },
  ];
  await using service = await startFakeService([
    json(400, { title: 'The run spec has 2 faults', status: 400, errors }),
  ]);
  const refusal: unknown = await createClient({ url: service.url })
    .startRun({}, 'k')
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(RefusedError);
  expect(refusal).toMatchObject({
    message: 'The service answered 400: The run spec has 2 faults',
    httpStatus: 400,
    faults: errors,
  });
});

test('an answer that is not a problem document is quoted', async () => {
  await using service = await startFakeService([
    (response) => response.writeHead(404).end(),
    (response) => response.writeHead(401).end('<p>No</p>'),
    (response) => response.writeHead(401).end(),
  ]);
  const client = createClient({ url: service.url });
  await expect(client.getRun('r1')).rejects.toThrow(/^The service answered 404: .*FANOUT_URL/);
  await expect(client.getRun('r1')).rejects.toThrow('The service answered 401: <p>No</p>');
  await expect(client.getRun('r1')).rejects.toThrow(/^The service answered 401: .*FANOUT_KEY/);
});

test('a run id cannot lead to another path', async () => {
  await using service = await startFakeService([json(404, { title: 'No such run' })]);
  await expect(createClient({ url: service.url }).getRun('../x?y')).rejects.toThrow('No such run');
  expect(service.seen[0]?.path).toBe('/api/runs/..%2Fx%3Fy');
});

test('broken connections and a starting host are tried again, and Retry-After is kept', async () => {
  await using service = await startFakeService([
    drop,
    json(503, {}),
    json(429, {}, { 'retry-after': '3' }),
    json(200, sampleRun),
  ]);
  const { sleeps, sleep } = recordSleeps();
  const { body } = await createClient({ url: service.url, sleep }).getRun('r1');
  expect(body.runId).toBe('r1');
  expect(sleeps).toEqual([250, 500, 3000]);
});

test('a start whose answer was lost is repeated with the same idempotency key', async () => {
  await using service = await startFakeService([drop, json(202, { runId: 'r1', links: sampleRun.links })]);
  const { sleep } = recordSleeps();
  await createClient({ url: service.url, sleep }).startRun({}, 'load-1');
  expect(service.seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['load-1', 'load-1']);
});

test('patience ends: nothing answers, or the asked wait is longer', async () => {
  await using service = await startFakeService([
    drop,
    drop,
    drop,
    drop,
    drop,
    drop,
    json(503, {}, { 'retry-after': '60' }),
  ]);
  const { sleeps, sleep } = recordSleeps();
  const client = createClient({ url: service.url, sleep, patienceMs: 5_000 });
  await expect(client.getRun('r1')).rejects.toThrow(UnreachableError);
  expect(sleeps).toEqual([250, 500, 1000, 2000]);
  await expect(client.getRun('r1')).rejects.toThrow('The service answered 503');
});

test('a host nobody started is not reachable, and the reason is the socket’s', async () => {
  const service = await startFakeService([drop]);
  await service[Symbol.asyncDispose]();
  await expect(createClient({ url: service.url, patienceMs: 0 }).getRun('r1')).rejects.toThrow(
    /does not answer: .*ECONNREFUSED/,
  );
});

test('a run is followed through a restart of the host until it ends', async () => {
  await using service = await startFakeService([
    json(200, { ...sampleRun, state: 'indexing' }),
    json(200, sampleRun, { 'retry-after': '4' }),
    ...Array.from({ length: 12 }, () => drop),
    json(502, {}),
    json(200, { ...sampleRun, state: 'completed' }),
  ]);
  const polls = recordSleeps();
  const retries = recordSleeps();
  const client = createClient({ url: service.url, sleep: retries.sleep });
  const states: string[] = [];
  for await (const run of followRun(client, 'r1', polls.sleep)) states.push(run.state);
  expect(states).toEqual(['indexing', 'running', 'completed']);
  expect(polls.sleeps).toEqual([1000, 4000]);
});
