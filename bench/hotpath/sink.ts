import { createServer, type Socket } from 'node:net';

/**
 * A server of its own process that only answers: it counts the bytes of each request to know where the next one begins, reads nothing in them, and
 * says 204. Prints its URL; ends with its parent's pipe.
 */
const answer = Buffer.from('HTTP/1.1 204 No Content\r\nx-ms-dop-hint: 8\r\n\r\n', 'latin1');
const endOfHead = Buffer.from('\r\n\r\n', 'latin1');
const contentLength = /\r\ncontent-length: *(\d+)/i;

function serve(socket: Socket): void {
  let head: Buffer = Buffer.alloc(0);
  let missing = 0;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (missing === 0) {
        head = head.length === 0 ? rest : Buffer.concat([head, rest]);
        const end = head.indexOf(endOfHead);
        if (end < 0) return;
        missing = Number(contentLength.exec(head.toString('latin1', 0, end))?.[1] ?? 0);
        rest = head.subarray(end + endOfHead.length);
        head = Buffer.alloc(0);
        if (missing === 0) socket.write(answer);
      }
      const taken = Math.min(missing, rest.length);
      if (taken === 0) continue;
      missing -= taken;
      rest = rest.subarray(taken);
      if (missing === 0) socket.write(answer);
    }
  });
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The sink has no port.');
  console.log(`sink ready at http://127.0.0.1:${address.port}`);
});
