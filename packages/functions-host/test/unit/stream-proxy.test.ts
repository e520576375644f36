import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { proxyToApp } from '../../src/http/stream-proxy.ts';

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** An app that never ends its answer, or never begins one; tells when its connection is gone. */
const endlessApp = async (answers: boolean) => {
  const events = new EventEmitter();
  const [asked, gone] = [once(events, 'asked'), once(events, 'gone')];
  const httpUri = await serve((_, response) => {
    response.on('close', () => events.emit('gone'));
    if (answers) response.write('tick');
    events.emit('asked');
  });
  return { httpUri, asked, gone };
};

test.each([
  ['is at an answer without end', true],
  ['has not begun to answer', false],
])('a client that goes away lets go of an app that %s', async (_, answers) => {
  const app = await endlessApp(answers);
  const proxied: Promise<void>[] = [];
  const url = await serve((request, response) => {
    proxied.push(proxyToApp({ httpUri: app.httpUri, invocationId: 'one', request, response }).done);
  });
  const client = new AbortController();
  const answer = fetch(url, { signal: client.signal });
  await (answers ? answer : app.asked);
  client.abort();
  await answer.catch(() => undefined);
  await app.gone;
  expect(await Promise.allSettled(proxied)).toEqual([expect.objectContaining({ status: 'fulfilled' })]);
});
