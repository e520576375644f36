import { createVirtualClock } from 'functions-host';
import type { HostOptions, VirtualClock } from 'functions-host';
import { afterEach, describe, expect, test } from 'vitest';
import { startTestHost, until } from './support.ts';
import type { Status, TestHost } from './support.ts';

let host: TestHost;
let clock: VirtualClock;
afterEach(() => host.close());

const launch = async (options: Partial<HostOptions> = {}) => {
  clock = createVirtualClock();
  host = await startTestHost('limits', { clock, ...options });
};
const runTimer = (name: string) => fetch(`${host.url}/admin/functions/${name}`, { method: 'POST' });
const hasLogged = (text: string) => host.log.some((line) => line.includes(text));
const logged = (text: string) =>
  until(
    async () => hasLogged(text),
    (found) => found,
  );
const held = (count: number) =>
  until(
    async () => {
      await runTimer('countHeld');
      return hasLogged(`held ${count}`);
    },
    (found) => found,
  );
const run = async (name: string): Promise<Status> => {
  const base = `${host.url}/runtime/webhooks/durabletask`;
  const { id } = (await (await fetch(`${base}/orchestrators/${name}`, { method: 'POST' })).json()) as { id: string };
  return await until(
    async () => (await (await fetch(`${base}/instances/${id}`)).json()) as Status,
    ({ runtimeStatus }) => runtimeStatus === 'Completed' || runtimeStatus === 'Failed',
  );
};

describe('HTTP limits of host.json', () => {
  test('more requests than may be outstanding are answered 429; those that wait get their turn', async () => {
    await launch();
    const first = [1, 2].map(() => fetch(`${host.url}/api/hold`));
    await held(2);
    const [third, fourth] = [1, 2].map(() => fetch(`${host.url}/api/hold`));
    const refused = await Promise.race([third, fourth]);
    expect(refused?.status).toBe(429);
    await runTimer('letGo');
    expect((await Promise.all(first)).map((response) => response.status)).toEqual([200, 200]);
    await held(1);
    await runTimer('letGo');
    const statuses = (await Promise.all([third, fourth])).map((response) => response?.status);
    expect(statuses.toSorted()).toEqual([200, 429]);
  });

  test('a function that takes longer than functionTimeout is answered 500, and the log says why', async () => {
    await launch();
    const answer = fetch(`${host.url}/api/hold`);
    await held(1);
    clock.advance(30_000);
    expect((await answer).status).toBe(500);
    expect(hasLogged('Timeout value of 30 s exceeded by function: Functions.hold')).toBe(true);
    await runTimer('letGo');
  });

  test('a body over the limit is answered 413, one at the limit is taken', async () => {
    await launch({ env: { FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1000' } });
    const upload = async (size: number) =>
      (await fetch(`${host.url}/api/upload`, { method: 'POST', body: 'x'.repeat(size) })).status;
    expect([await upload(1000), await upload(1001)]).toEqual([200, 413]);
  });
});

describe('timers', () => {
  test('runOnStartup runs when the host starts', async () => {
    await launch();
    await logged('early ran');
  });

  test('a retry policy of its own runs a timer again, later each time, and tells it what went wrong', async () => {
    await launch();
    await runTimer('stubborn');
    await logged('attempt 0 of 0 after nothing');
    for (const [retry, seconds] of [10, 20, 30].entries()) {
      await logged(`trouble ${retry}`);
      clock.advance(seconds * 1000 - 1);
      expect(hasLogged(`attempt ${retry + 1} `)).toBe(false);
      clock.advance(1);
      await logged(`attempt ${retry + 1} of 3 after trouble ${retry}`);
    }
  });
});

describe('switches', () => {
  test('below schema version 3 locks are refused', async () => {
    await launch({ env: { FUNCTIONS_HOST_DURABLE_SCHEMA: '2' } });
    expect((await run('locking')).output).toMatch(/^Orchestrator function 'locking' failed: .*lock/u);
    await host.close();
    await launch();
    expect((await run('locking')).output).toBe('locked');
  });

  test('sanitised errors lose the reason of an orchestration that handed on what looks like a secret', async () => {
    await launch({ env: { FUNCTIONS_HOST_SANITIZE_ERRORS: 'true' } });
    expect((await run('leaking')).output).toMatch(/\[Hidden Credential\]/u);
    await host.close();
    await launch();
    expect((await run('leaking')).output).toBe("Orchestrator function 'leaking' failed: the real reason");
  });
});
