import { afterEach, beforeEach, expect, test } from 'vitest';
import { DurableDriver, startTestHost, until } from './support.ts';
import type { TestHost } from './support.ts';

let host: TestHost;
beforeEach(async () => {
  host = await startTestHost('versions');
});
afterEach(() => host.close());

const start = async (version: string | undefined, input: unknown = null): Promise<string> => {
  const query = version === undefined ? '' : `?version=${version}`;
  const path = `${host.url}/runtime/webhooks/durabletask/orchestrators/which${query}`;
  const response = await fetch(path, { method: 'POST', body: JSON.stringify(input) });
  return ((await response.json()) as { id: string }).id;
};

test.each([
  [undefined, [], ['2.0']],
  ['1.5', [null, '1.0'], ['1.5', '2.0', '1.0']],
])('an orchestration started with version %s sees it, and its children theirs', async (version, children, seen) => {
  const id = await start(version, { children });
  expect((await new DurableDriver(host.url).finish(id)).output).toEqual(seen);
});

test('one that is newer than the host waits for a newer host, and the log says so', async () => {
  const id = await start('3.0');
  await until(
    async () => host.log,
    (lines) => lines.some((line) => line.includes(`Instance '${id}' waits: its version '3.0' does not fit`)),
  );
  expect((await new DurableDriver(host.url).status(id)).runtimeStatus).toBe('Pending');
});
