import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A request as it passes the proxy. */
export interface Passing {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly body: Buffer;
}

/**
 * What becomes of a connection: `cutBefore` the request gets through, in the middle of it (`cutRequest`), `cutAfter` the other side has answered, or
 * in the middle of the answer (`cutAnswer`).
 */
export type Fate = 'pass' | 'cutBefore' | 'cutRequest' | 'cutAfter' | 'cutAnswer';

export interface Interception {
  /** Called when a request is there and has not been passed on. */
  readonly arrived: (passing: Passing) => Promise<Fate>;
  /** Called when the other side has answered, and nobody has heard of it yet. */
  readonly answered: (passing: Passing) => Promise<Fate>;
}

export interface Proxy {
  readonly url: string;
  /** What happens from here on. */
  intercept(interception: Interception): void;
  close(): Promise<void>;
}

const passAll: Interception = { arrived: async () => 'pass', answered: async () => 'pass' };

/** Stands before a server on loopback and cuts connections as it is told to. `rewrite` changes what is asked for. */
export async function startProxy(upstream: string, rewrite: (url: string) => string = (url) => url): Promise<Proxy> {
  const agent = new Agent({ keepAlive: false });
  let interception = passAll;
  const server = createServer((incoming, outgoing) => {
    void pass(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await readAll(incoming);
    const passing = { method: incoming.method ?? '', url: rewrite(incoming.url ?? ''), body };
    const before = await interception.arrived(passing);
    if (before === 'cutBefore') return void incoming.socket.destroy();
    const answer = await ask(incoming, passing, before);
    const after = before === 'pass' ? await interception.answered(passing) : before;
    if (answer === undefined || after === 'cutAfter') return void incoming.socket.destroy();
    await tell(outgoing, incoming.socket, answer, after);
  }
  async function ask({ headers }: IncomingMessage, { method, url, body }: Passing, fate: Fate) {
    const { hostname, port } = new URL(upstream);
    const own = { ...headers, host: `${hostname}:${port}`, connection: 'close' };
    const forward = request({ hostname, port, method, path: url, headers: own, agent });
    if (fate === 'cutRequest') {
      forward.on('error', () => undefined);
      forward.write(body.subarray(0, body.length >>> 1));
      // The first half is on its way, the second never comes.
      await delay(20);
      forward.destroy();
      return undefined;
    }
    forward.end(body);
    const [response] = (await once(forward, 'response')) as [IncomingMessage];
    return { response, body: await readAll(response) };
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    intercept: (next) => void (interception = next),
    async close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await once(server, 'close');
    },
  };
}

interface Answered {
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

async function tell(outgoing: ServerResponse, socket: Socket, { response, body }: Answered, fate: Fate): Promise<void> {
  // The answer is told in one piece, whose length is known.
  const headers = response.rawHeaders.filter(
    (_, at, all) => !/^(transfer-encoding|connection)$/i.test(all[at - (at % 2)] ?? ''),
  );
  outgoing.writeHead(response.statusCode ?? 502, headers);
  if (fate !== 'cutAnswer') {
    outgoing.end(body);
    return;
  }
  outgoing.write(body.subarray(0, body.length >>> 1));
  await delay(20);
  socket.destroy();
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
