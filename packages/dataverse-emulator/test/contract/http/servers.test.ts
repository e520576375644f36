import { describe, expect, it } from 'vitest';
import { startEmulator } from '../../../src/index.ts';
import { clientOf } from '../../support/start.ts';
import type { Answer } from '../../support/web-api-client.ts';

describe('servers', () => {
  const sourceOf = (answer: Answer): string => answer.headers.get('x-source') ?? '';
  const cookieOf = (answer: Answer): string => answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';

  it('share the requests of a client without cookie, and keep one that sends it', async () => {
    const emulator = await startEmulator({ profile: 'fast', settings: { servers: 4 } });
    const api = clientOf(emulator);
    const free = await Promise.all(Array.from({ length: 60 }, () => api.get('WhoAmI')));
    expect(new Set(free.map(sourceOf)).size).toBe(4);
    const [first] = free;
    const pinned = await Promise.all(Array.from({ length: 20 }, () => api.get('WhoAmI', { cookie: cookieOf(first!) })));
    expect(new Set(pinned.map(sourceOf))).toEqual(new Set([sourceOf(first!)]));
    await emulator.close();
  });

  it('that are taken out hand their clients to others', async () => {
    const emulator = await startEmulator({ profile: 'fast', settings: { servers: 2 } });
    const api = clientOf(emulator);
    const first = await api.get('WhoAmI');
    emulator.changeSettings({ serversOut: [Number(sourceOf(first).split(',')[0]) - 1] });
    const next = await api.get('WhoAmI', { cookie: cookieOf(first) });
    expect(sourceOf(next)).not.toBe(sourceOf(first));
    await emulator.close();
  });
});
