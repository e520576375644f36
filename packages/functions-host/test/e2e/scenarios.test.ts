import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createVirtualClock } from 'functions-host';
import type { Clock } from 'functions-host';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DurableDriver, removeDirectory, startTestHost, temporaryDirectory, until } from './support.ts';
import type { Status, TestHost } from './support.ts';

let host: TestHost;
let durable: DurableDriver;
const directory = temporaryDirectory();
afterAll(() => removeDirectory(directory));
afterEach(() => host.close());

const begin = async (name: string, input?: unknown): Promise<string> => {
  const body = input === undefined ? null : JSON.stringify(input);
  const response = await fetch(`${host.url}/api/begin/${name}`, { method: 'POST', body });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
};
const run = async (name: string, input?: unknown): Promise<Status> => await durable.finish(await begin(name, input));

const launch = async (replayEveryStep: boolean, clock: Clock) => {
  const env = { IDENTITY_ENDPOINT: `${identityUrl}/token`, IDENTITY_HEADER: 'secret' };
  host = await startTestHost('scenarios', { clock, faults: { replayEveryStep }, env });
  durable = new DurableDriver(host.url);
};

/** A managed identity endpoint and a service that shows who called. */
const identity = createServer((request, response) => {
  const url = new URL(request.url ?? '', 'http://127.0.0.1');
  const isTokenRequest = url.pathname === '/token' && request.headers['x-identity-header'] === 'secret';
  const token = { access_token: `token for ${url.searchParams.get('resource') ?? ''}`, token_type: 'Bearer' };
  response.end(isTokenRequest ? JSON.stringify(token) : `called with ${request.headers.authorization ?? 'nothing'}`);
}).listen(0, '127.0.0.1');
await once(identity, 'listening');
const identityUrl = `http://127.0.0.1:${(identity.address() as AddressInfo).port}`;
afterAll(() => void identity.close());

describe.each([
  ['as usual', false],
  ['with forced replay', true],
])('the patterns of Durable Functions, %s', (_, replayEveryStep) => {
  beforeEach(() => launch(replayEveryStep, createVirtualClock({ skipWhenIdle: true })));

  test('chaining: each activity gets what the one before it made, and the status tells how far it is', async () => {
    expect(await run('fruitPlate', { fruit: 'pear', guest: 'Ada' })).toMatchObject({
      output: 'sliced peeled pear for Ada',
      customStatus: 'sliced',
    });
  });

  test('sub-orchestrations: orchestrations call orchestrations', async () => {
    expect((await run('twoPlates', 'Ada')).output).toEqual([
      'sliced peeled pear for Ada',
      'sliced peeled mango for Ada',
    ]);
  });

  test('fan-out and fan-in: one activity for each file of a directory, summed up', async () => {
    const files = join(directory, `files-${String(replayEveryStep)}`);
    mkdirSync(files);
    for (let size = 1; size <= 30; size++) writeFileSync(join(files, `${size}.txt`), 'x'.repeat(size));
    expect((await run('inventory', files)).output).toEqual({ files: 30, bytes: 465 });
  });

  test('retries of an activity and of a child with an id of its own end with the error of the last attempt', async () => {
    expect((await run('callTwice')).output).toBe("Activity function 'hopeless' failed: no signal");
    expect((await run('delegateTwice')).output).toBe(
      "Orchestrator function 'hopelessChild' failed: there is no bottom",
    );
  });

  test('a timer taken back does not keep the run alive', async () => {
    const { output, instanceId } = await run('inTime');
    expect(output).toBe('peeled kiwi');
    const { historyEvents = [] } = await durable.status(instanceId, 'showHistory=true');
    expect(historyEvents.map((event) => event['EventType'])).not.toContain('TimerFired');
  });

  test('continue-as-new: ten rounds of thirty seconds', async () => {
    expect((await run('rounds')).output).toBe(10);
  });

  test('counter entity: orchestrations count it up to its limit, readers see it', async () => {
    for (const coins of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]) expect((await run('fillUp')).output).toBe(coins);
    const response = await fetch(`${host.url}/runtime/webhooks/durabletask/entities/till/front`);
    expect(await response.json()).toBe(10);
  });

  test('monitor: it looks until there is something to see, or its time is up', async () => {
    const place = `orchard ${String(replayEveryStep)}`;
    expect((await run('watch', { place, ripeAt: 4 })).output).toBe(`go to ${place}`);
    expect((await run('watch', { place: `desert ${place}`, ripeAt: 10_000 })).output).toBe('nothing to see');
  });

  test('human interaction: nobody answers in time', async () => {
    expect((await run('doorman', 'Ada')).output).toBe(false);
  });

  test('HTTP by the host with the token of the managed identity', async () => {
    const resource = 'https://management.example';
    expect((await run('errand', { url: `${identityUrl}/service`, resource })).output).toEqual({
      statusCode: 200,
      content: `called with Bearer token for ${resource}`,
    });
  });
});

describe.each([
  ['as usual', false],
  ['with forced replay', true],
])('human interaction on a clock that stands still, %s', (_, replayEveryStep) => {
  beforeEach(() => launch(replayEveryStep, createVirtualClock()));

  const pinOf = async (id: string): Promise<number> => {
    const asked = await until(
      () => durable.status(id),
      ({ customStatus }) => customStatus !== null,
    );
    return (asked.customStatus as { pin: number }).pin;
  };
  const answer = (id: string, pin: number) =>
    fetch(`${host.url}/runtime/webhooks/durabletask/instances/${id}/raiseEvent/Pin`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(pin),
    });

  test.each([
    ['the right answer at the third guess', 2, true],
    ['three wrong ones', 3, false],
  ])('%s', async (_what, wrongGuesses, welcome) => {
    const id = await begin('doorman', 'Ada');
    const pin = await pinOf(id);
    for (let guess = 0; guess < wrongGuesses; guess++) await answer(id, -guess);
    if (welcome) await answer(id, pin);
    expect((await durable.finish(id)).output).toBe(welcome);
  });
});

describe('starting over HTTP and waiting', () => {
  beforeEach(() => launch(false, createVirtualClock()));

  test('an orchestration that ends in time answers with its output, another one with where to ask', async () => {
    const wait = (name: string, input: unknown, seconds: number) =>
      fetch(`${host.url}/api/begin/${name}/wait?seconds=${seconds}`, { method: 'POST', body: JSON.stringify(input) });
    const plate = await wait('fruitPlate', { fruit: 'fig', guest: 'Bo' }, 10);
    expect([plate.status, await plate.json()]).toEqual([200, 'sliced peeled fig for Bo']);
    const rounds = await wait('rounds', 0, 0.1);
    expect([rounds.status, Object.keys((await rounds.json()) as object)]).toEqual([
      202,
      expect.arrayContaining(['id', 'statusQueryGetUri', 'sendEventPostUri']),
    ]);
  });
});
