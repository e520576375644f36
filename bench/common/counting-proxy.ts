import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes HTTP on and counts what it is; stands between the app and its storage. */
export interface CountingProxy {
  readonly url: string;
  /** Where to pass requests on to; has to be set before the first one. */
  setTarget(url: string): void;
  /** Requests by name, from the beginning. */
  counts(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export async function startCountingProxy(nameOf: (method: string, path: string) => string): Promise<CountingProxy> {
  let target: URL | undefined;
  const counts: Record<string, number> = {};
  const pass = (incoming: IncomingMessage, answer: ServerResponse): void => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const name = nameOf(method, path);
    counts[name] = (counts[name] ?? 0) + 1;
    const outgoing = request({ host: target?.hostname, port: target?.port, method, path, headers }, (received) => {
      answer.writeHead(received.statusCode ?? 502, received.headers);
      received.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    incoming.pipe(outgoing);
  };
  const server = createServer(pass);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    setTarget: (url) => (target = new URL(url)),
    counts: () => ({ ...counts }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
