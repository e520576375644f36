import { once } from 'node:events';
import { createServer } from 'node:net';

/** The port if nothing listens on it on loopback, else 0 (any). */
export async function portIfFree(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return port;
  } catch {
    return 0;
  } finally {
    server.close();
  }
}
