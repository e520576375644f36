import { afterEach, describe, expect, test } from 'vitest';
import { fixture, removeDirectory, startProgram, startTestHost, temporaryDirectory, until } from './support.ts';
import type { Status, TestHost } from './support.ts';

let host: TestHost | undefined;
const directories: string[] = [];
afterEach(async () => {
  await host?.close();
  host = undefined;
  directories.splice(0).forEach(removeDirectory);
});

const directory = () => {
  const path = temporaryDirectory();
  directories.push(path);
  return path;
};
const managed = (url: string, path: string, init?: RequestInit) =>
  fetch(`${url}/runtime/webhooks/durabletask/${path}`, init);

const start = async (url: string, name: string, input?: unknown): Promise<string> => {
  const body = input === undefined ? null : JSON.stringify(input);
  const response = await managed(url, `orchestrators/${name}`, { method: 'POST', body });
  return ((await response.json()) as { id: string }).id;
};
const statusOf = async (url: string, id: string) => (await (await managed(url, `instances/${id}`)).json()) as Status;
const ended = (url: string, id: string) =>
  until(
    () => statusOf(url, id),
    ({ runtimeStatus }) => ['Completed', 'Failed', 'Terminated'].includes(runtimeStatus),
  );
const run = async (url: string, name: string, input?: unknown) => await ended(url, await start(url, name, input));

describe('what cannot be carried out fails its own run and nothing else', () => {
  test.each<[string, unknown, RegExp]>([
    ['timelessTimer', undefined, /a timer needs a valid date, not null/u],
    ['endlessRetry', undefined, /a retry would have to wait 10000000000000000 ms/u],
    ['childNamed', '@one', /cannot have the instance id "@one": .* must not start with @/u],
    ['childNamed', 'a/b', /cannot have the instance id "a\/b": .* must not contain \//u],
    ['childNamed', 'x'.repeat(257), /must not exceed 256 characters/u],
    ['oddVersion', undefined, /what it decided cannot be carried out/u],
    ['throwsText', undefined, /it threw something that is no Error.*In Azure the instance would stay Running/u],
    ['callsEntity', { operation: 'signalNobody' }, /Entity function 'wild' failed/u],
  ])('%s with %j', async (name, input, says) => {
    host = await startTestHost('rogue');
    expect(await run(host.url, name, input)).toMatchObject({
      runtimeStatus: 'Failed',
      output: expect.stringMatching(says),
    });
    expect((await run(host.url, 'good')).output).toBe(1);
  });
});

test('an orchestration that continues as new without ever waiting holds up nothing else, and can be ended', async () => {
  host = await startTestHost('rogue');
  const { url } = host;
  const id = await start(url, 'restless');
  expect((await run(url, 'good')).output).toBe(1);
  await managed(url, `instances/${id}/terminate?reason=enough`, { method: 'POST' });
  expect(await ended(url, id)).toMatchObject({ runtimeStatus: 'Terminated', output: 'enough' });
});

describe('closing', () => {
  test('does not wait for functions that never end', async () => {
    host = await startTestHost('rogue', { closeWithinMs: 50 });
    await start(host.url, 'callsEntity', { operation: 'hang' });
    expect((await fetch(`${host.url}/admin/functions/hangs`, { method: 'POST' })).status).toBe(202);
    await until(
      () => managed(host?.url ?? '', 'instances?runtimeStatus=Running'),
      ({ ok }) => ok,
    );
    await host.close();
  });
});

describe('an app that ends its own process', () => {
  const launch = (data: string) => startProgram([fixture('rogue'), '--port', '0', '--data', data]);

  test.each([
    ['exit', 1, 'the app ended the process (exit code 0)'],
    ['forgets', 1, 'forgotten promise'],
  ])('is told apart from a host that was asked to stop: %s', async (path, code, says) => {
    const program = await launch(directory());
    const closed = new Promise((resolve) => program.child.once('close', resolve));
    await fetch(`${program.url}/api/${path}`).catch(() => undefined);
    await closed;
    expect({ code: program.child.exitCode, says: program.stderr() }).toEqual({
      code,
      says: expect.stringContaining(says),
    });
  });

  test.each([
    ['exits', 1, null, /its code ended the process \(process\.exit\)/u],
    ['loops', null, 'SIGKILL', /it ran for 2 s without coming to an end/u],
  ])(
    'in an orchestrator (%s) does it once: the run fails at the next start, the others go on',
    async (name, code, signal, says) => {
      const data = directory();
      const first = await launch(data);
      const closed = new Promise((resolve) => first.child.once('close', resolve));
      const path = `orchestrators/${name}/bad`;
      await managed(first.url, path, { method: 'POST' }).catch(() => undefined);
      await closed;
      expect([first.child.exitCode, first.child.signalCode]).toEqual([code, signal]);

      const second = await launch(data);
      expect(await ended(second.url, 'bad')).toMatchObject({
        runtimeStatus: 'Failed',
        output: expect.stringMatching(says),
      });
      expect((await run(second.url, 'good')).output).toBe(1);
      expect(await second.stop('SIGTERM')).toBe(0);
    },
  );
});
