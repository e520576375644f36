import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createVirtualClock } from 'functions-host';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestHost, until } from './support.ts';
import type { TestHost } from './support.ts';

let host: TestHost;
const clock = createVirtualClock();
beforeAll(async () => {
  host = await startTestHost('http-stream', { clock });
});
afterAll(() => host.close());

test('in stream mode a function answers while it is still being sent to', async () => {
  const outgoing = request(`${host.url}/api/shout/me?x=1`, { method: 'POST', headers: { 'x-agent': 'test' } });
  outgoing.write('one ');
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  expect(response.headers).toMatchObject({ 'x-name': 'me', 'x-agent': 'test' });
  const received: string[] = [];
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (const next of ['two ', 'three']) {
    received.push(String((await chunks.next()).value));
    outgoing.write(next);
  }
  outgoing.end();
  for (let chunk = await chunks.next(); chunk.done !== true; chunk = await chunks.next())
    received.push(String(chunk.value));
  expect(received.join('')).toBe('ONE TWO THREE');
});

test('in stream mode a failing handler is a 500', async () => {
  expect((await fetch(`${host.url}/api/broken`)).status).toBe(500);
});

test('in stream mode functionTimeout counts too', async () => {
  const answer = fetch(`${host.url}/api/hang`);
  await until(
    async () => {
      clock.advance(60_000);
      return host.log;
    },
    (log) => log.some((line) => line.includes('Timeout value of 60 s exceeded by function: Functions.hang')),
  );
  expect((await answer).status).toBe(500);
});
