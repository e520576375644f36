import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createRawServer, type AddressInfo, type Server as RawServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Agent } from 'undici';
import { createAgent } from '../../../src/dataverse/agent.ts';
import { TransientError } from '../../../src/dataverse/errors.ts';
import { sendOnce, type HttpRequest } from '../../../src/dataverse/send.ts';

const open: (Server | RawServer | Agent)[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) {
    if ('listen' in one) {
      if ('closeAllConnections' in one) one.closeAllConnections();
      one.close();
    } else await one.destroy();
  }
});

async function listen(server: Server | RawServer): Promise<string> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (answer: (response: ServerResponse) => void) => listen(createServer((_, response) => answer(response)));
const raw = (text: string) =>
  listen(
    createRawServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(text));
    }),
  );

function send(origin: string, changes: Partial<HttpRequest> = {}) {
  const agent = createAgent({ connections: 1 });
  open.push(agent);
  const request = { origin, path: '/', method: 'POST', headers: {}, timeoutMs: 5_000, clientRequestId: 'c' } as const;
  return sendOnce(agent, { ...request, body: Buffer.from('{}'), ...changes });
}

describe('sendOnce', () => {
  it('brings status, headers and the whole body', async () => {
    const origin = await serve((response) => {
      response.writeHead(412, { 'X-Ms-Dop-Hint': '4', 'set-cookie': ['a=1', 'b=2'] });
      response.write('{"err');
      response.end('or":"ü"}');
    });
    const answer = await send(origin);
    expect(answer.status).toBe(412);
    expect(answer.body).toBe('{"error":"ü"}');
    expect(answer.header('x-ms-dop-hint')).toBe('4');
    expect(answer.header('set-cookie')).toBe('b=2');
    expect(answer.header('retry-after')).toBeUndefined();
  });

  it('reads answers without a body', async () => {
    const origin = await serve((response) => response.writeHead(204).end());
    expect(await send(origin)).toMatchObject({ status: 204, body: '' });
  });

  it('knows that nothing was sent when nobody listens', async () => {
    const origin = await serve(() => undefined);
    const server = open[0] as Server;
    await new Promise((resolve) => server.close(resolve));
    await expect(send(origin)).rejects.toMatchObject({ kind: 'transient', maybeCommitted: false });
  });

  it.each([
    ['closed without an answer', ''],
    ['cut before its announced end', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"Ids":['],
    ['cut between chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"Ids\r\n'],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ])('takes an answer that is %s for one that may hide a commit', async (_, text) => {
    await expect(send(await raw(text))).rejects.toMatchObject({ kind: 'transient', maybeCommitted: true });
  });

  it('ends a dripping answer at the deadline of the whole request', async () => {
    let drops: NodeJS.Timeout | undefined;
    const origin = await serve((response) => {
      response.writeHead(200);
      drops = setInterval(() => response.write(' '), 10);
    });
    const failure = await send(origin, { timeoutMs: 150 }).catch((error: unknown) => error);
    clearInterval(drops);
    expect(failure).toBeInstanceOf(TransientError);
    expect(failure).toMatchObject({ maybeCommitted: true, message: 'No complete answer within 150 ms.' });
  });

  it('reads no more than 16 MiB of an answer', async () => {
    const origin = await serve((response) => {
      response.on('error', () => undefined);
      response.writeHead(200).end(Buffer.alloc(16 * 2 ** 20 + 1, 0x20));
    });
    await expect(send(origin)).rejects.toMatchObject({ kind: 'transient' });
  });

  it('neither follows redirects nor returns cookies', async () => {
    const cookies: (string | undefined)[] = [];
    const origin = await listen(
      createServer((request, response) => {
        cookies.push(request.headers.cookie);
        response.writeHead(307, { location: '/elsewhere', 'set-cookie': 'ARRAffinity=1' }).end();
      }),
    );
    const agent = createAgent({ connections: 1 });
    open.push(agent);
    const request = { origin, path: '/', method: 'GET', headers: {}, timeoutMs: 5_000, clientRequestId: 'c' } as const;
    expect((await sendOnce(agent, request)).status).toBe(307);
    await sendOnce(agent, request);
    expect(cookies).toEqual([undefined, undefined]);
  });
});
