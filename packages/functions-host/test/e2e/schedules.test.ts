import { createVirtualClock } from 'functions-host';
import { afterEach, expect, test } from 'vitest';
import { removeDirectory, startTestHost, temporaryDirectory, until } from './support.ts';
import type { TestHost } from './support.ts';

interface Tick {
  readonly isPastDue: boolean;
  readonly scheduleStatus: { readonly last: string; readonly next: string } | null;
}

const dataDir = temporaryDirectory();
let host: TestHost | undefined;
afterEach(() => host?.close());

const ticks = async (url: string) => (await (await fetch(`${url}/api/ticks`)).json()) as Tick[];
const ticksOf = (url: string, count: number) =>
  until(
    () => ticks(url),
    (seen) => seen.length >= count,
  );

test('a timer runs by its schedule, and a run missed while the host was down is made up for at once', async () => {
  const clock = createVirtualClock({ startAt: new Date('2026-03-01T12:01:00Z') });
  host = await startTestHost('http-esm', { clock, dataDir });
  expect(await ticks(host.url)).toEqual([]);
  clock.advance(4 * 60_000);
  const [first] = await ticksOf(host.url, 1);
  expect(first).toMatchObject({ isPastDue: false, scheduleStatus: { next: '2026-03-01T12:10:00.000Z' } });
  await host.close();

  const later = createVirtualClock({ startAt: new Date('2026-03-01T15:02:00Z') });
  host = await startTestHost('http-esm', { clock: later, dataDir });
  const seen = await ticksOf(host.url, 2);
  expect(seen[1]).toMatchObject({ isPastDue: true, scheduleStatus: { last: '2026-03-01T12:05:00.000Z' } });
  await host.close();
  removeDirectory(dataDir);
});

test('a timer can be run now by its administrative address', async () => {
  host = await startTestHost('http-esm', { clock: createVirtualClock() });
  const before = (await ticks(host.url)).length;
  const run = (name: string) => fetch(`${host?.url ?? ''}/admin/functions/${name}`, { method: 'POST' });
  expect([(await run('TICK')).status, (await run('nobody')).status]).toEqual([202, 404]);
  expect(await ticksOf(host.url, before + 1)).toHaveLength(before + 1);
});
