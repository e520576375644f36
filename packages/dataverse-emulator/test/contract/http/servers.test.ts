import { expect, it } from 'vitest';
import { startEmulator, virtualClock, type Emulator } from '../../../src/index.ts';
import { emulatorOnly } from '../../support/contract.ts';
import { clientOf } from '../../support/start.ts';
import type { Answer } from '../../support/web-api-client.ts';

emulatorOnly('servers', () => {
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

  it('that are taken out one and all leave the gateway, which answers 503', async () => {
    const emulator = await startEmulator({ profile: 'fast' });
    const api = clientOf(emulator);
    emulator.faults.add({ kind: 'serverOut', match: {}, nth: 1 });
    expect((await api.get('WhoAmI')).status).toBe(502);
    const nobody = await api.get('WhoAmI');
    expect([nobody.status, nobody.headers.get('content-type'), nobody.headers.get('odata-version')]).toEqual([
      503,
      'text/html; charset=us-ascii',
      null,
    ]);
    emulator.changeSettings({ serversOut: [] });
    expect((await api.get('WhoAmI')).status).toBe(200);
    await emulator.close();
  });

  it('count for themselves, so that what remains jumps between answers, or share one count', async () => {
    const settings = { servers: 2, routing: 'roundRobin', limits: { requests: 10 } } as const;
    const remaining = async (scope: 'perServer' | 'shared'): Promise<(string | null)[]> => {
      const emulator = await startEmulator({
        profile: 'fast',
        settings: { ...settings, limits: { ...settings.limits, scope } },
      });
      const api = clientOf(emulator);
      const seen: (string | null)[] = [];
      for (let index = 0; index < 4; index += 1) {
        seen.push((await api.get('WhoAmI')).headers.get('x-ms-ratelimit-burst-remaining-xrm-requests'));
      }
      await emulator.close();
      return seen;
    };
    expect(await remaining('perServer')).toEqual(['9', '9', '8', '8']);
    expect(await remaining('shared')).toEqual(['9', '8', '7', '6']);
  });

  it.each([
    ['by the settings', 503, (emulator: Emulator) => emulator.changeSettings({ serversOut: [0] })],
    [
      'by a fault',
      502,
      (emulator: Emulator) => emulator.faults.add({ kind: 'serverOut', match: { message: 'WhoAmI' } }),
    ],
  ])(
    'that are taken out %s fail what runs on them with 502, and nothing of it is written',
    async (_, expected, takeOut) => {
      const emulator = await startEmulator({
        profile: 'fast',
        settings: { latency: { overheadMs: { single: 60_000 } } },
      });
      const api = clientOf(emulator);
      await api.target.getToken();
      const running = api.post('accounts', { name: 'Lost' });
      await expect.poll(() => emulator.counters().running).toBe(1);
      takeOut(emulator);
      const struck = await api.get('WhoAmI');
      const lost = await running;
      expect([lost.status, lost.headers.get('content-type')]).toEqual([502, 'text/html; charset=us-ascii']);
      // The fault strikes this request as well; behind the settings nobody is left but the gateway.
      expect(struck.status).toBe(expected);
      expect(emulator.counters().running).toBe(0);
      expect(emulator.database.table('account')?.count).toBe(0);
      await emulator.close();
    },
  );

  it('that are taken out never commit what they were at, however much later its time would have come', async () => {
    const clock = virtualClock(Date.parse('2030-01-01T00:00:00Z'));
    const settings = { servers: 2, latency: { overheadMs: { single: 1000 } } };
    const emulator = await startEmulator({ profile: 'fast', clock, settings });
    const api = clientOf(emulator);
    await api.target.getToken();
    const running = api.post('accounts', { name: 'Lost' });
    await expect.poll(() => emulator.counters().running).toBe(1);
    emulator.changeSettings({ serversOut: [0, 1] });
    expect((await running).status).toBe(502);
    emulator.changeSettings({ serversOut: [] });
    await clock.advance(5000);
    const later = api.post('accounts', { name: 'Kept' });
    await expect.poll(() => emulator.counters().running).toBe(1);
    await clock.advance(1000);
    expect((await later).status).toBe(204);
    expect(emulator.database.table('account')?.count).toBe(1);
    await emulator.close();
  });

  it('count their requests, refusals and the most at once', async () => {
    const clock = virtualClock(Date.parse('2030-01-01T00:00:00Z'));
    const settings = {
      servers: 2,
      routing: 'roundRobin',
      limits: { concurrency: 2 },
      latency: { overheadMs: { read: 1000 } },
    } as const;
    const emulator = await startEmulator({ profile: 'fast', clock, settings });
    const api = clientOf(emulator);
    await api.target.getToken();
    const answers = Promise.all(Array.from({ length: 5 }, () => api.get('WhoAmI')));
    await expect.poll(() => emulator.counters().servers['0']?.refused).toBe(1);
    await expect.poll(() => emulator.counters().running).toBe(4);
    await clock.advance(1000);
    await answers;
    expect(emulator.counters()).toMatchObject({
      servers: {
        0: { requests: 3, refused: 1, running: 0, peakRunning: 2 },
        1: { requests: 2, refused: 0, running: 0, peakRunning: 2 },
      },
      statuses: { 200: 4, 429: 1 },
      running: 0,
      peakRunning: 4,
    });
    await emulator.close();
  });
});
