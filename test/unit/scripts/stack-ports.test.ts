import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { portIfFree } from '../../../scripts/ports.ts';
import { fanoutCommand, movedPorts } from '../../../scripts/stack-ports.ts';

const usual = {
  url: 'http://127.0.0.1:7071',
  emulatorUrl: 'http://127.0.0.1:7080',
  storageConnectionString:
    'AccountName=a;BlobEndpoint=http://127.0.0.1:10000/a;QueueEndpoint=http://127.0.0.1:10001/a;TableEndpoint=http://127.0.0.1:10002/a',
};

test('a stack on its usual ports has nothing to say about them', () => {
  expect(movedPorts(usual)).toEqual([]);
  expect(fanoutCommand(usual.url)).toBe('npm run -s fanout --');
});

test('each part that listens elsewhere is named with both ports, and commands say where the app is', () => {
  const storageConnectionString = usual.storageConnectionString.replace(':10001', ':5');
  const moved = { ...usual, url: 'http://127.0.0.1:41234', storageConnectionString };
  expect(movedPorts(moved)).toEqual([
    'Port 7071 is taken by another program: the app uses 41234 instead.',
    'Port 10001 is taken by another program: queue storage uses 5 instead.',
  ]);
  expect(fanoutCommand(moved.url)).toBe('FANOUT_URL=http://127.0.0.1:41234 npm run -s fanout --');
});

test('a port somebody listens on is not free', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  expect(await portIfFree(port)).toBe(0);
  server.close();
  await once(server, 'close');
  expect(await portIfFree(port)).toBe(port);
});
