import { defaultClientId, type Facet, type SettingsPatch } from 'dataverse-emulator';
import { afterEach, describe, expect, it } from 'vitest';
import { readTable } from '../../../src/dataverse/metadata.ts';
import { writeRows, writeTargetOf } from '../../../src/dataverse/write-rows.ts';
import { virtualClock } from './virtual-clock.ts';
import { close, openEnvironment, row, tableOf, type Environment } from './support.ts';

const laneCount = 16;
const rowsPerRequest = 5;

/** Limits so low that a lane meets them all the time; each facet alone, then together. */
const storms: readonly (readonly [name: string, settings: SettingsPatch, facets: readonly Facet[]])[] = [
  ['requests', { limits: { requests: 25 } }, ['requests']],
  ['execution time', { limits: { executionTimeMs: 6_000 } }, ['executionTime']],
  ['concurrency', { limits: { concurrency: 4 } }, ['concurrency']],
  ['concurrency of writes', { limits: { writeConcurrency: 3 } }, ['concurrency']],
  ['a count shared by all servers', { servers: 4, limits: { scope: 'shared', requests: 25 } }, ['requests']],
  ['each server on its own', { servers: 3, limits: { requests: 12 } }, ['requests']],
  [
    'everything at once',
    { servers: 2, limits: { requests: 15, executionTimeMs: 6_000, concurrency: 5 } },
    ['concurrency'],
  ],
  ['waits not told at all', { limits: { requests: 25, retryAfter: { model: 'missing' } } }, ['requests']],
  ['early requests refused', { limits: { requests: 25, retryAfter: { early: 'refuse' } } }, ['requests']],
];
const noLimits = { windowMs: 30_000, requests: null, executionTimeMs: null, concurrency: null };
/** Nothing is on its way while time passes, so there is no grace for what is. */
const waits = { concurrencySeconds: 5, earlyGraceMs: 0 };
const secondClientId = defaultClientId.replace(/1$/, '2');

let environment: Environment;
afterEach(() => close(environment));

async function storm(settings: SettingsPatch, clientIds: readonly string[]) {
  const clock = virtualClock();
  environment = await openEnvironment({ profile: 'documented-1', clock, emulatorClock: clock, clientIds });
  const { client, emulator } = environment;
  const table = writeTargetOf(await readTable(client, 'fan_city'));
  emulator.changeSettings({
    ...settings,
    tokenLifetimeSeconds: 10 ** 7,
    limits: { ...noLimits, ...settings.limits, retryAfter: { ...waits, ...settings.limits?.retryAfter } },
  });
  emulator.reset({ rows: true, counters: true });
  const requestsPerLane = 4;
  const send = async (lane: number) => {
    for (let request = 0; request < requestsPerLane; request += 1) {
      const first = (lane * requestsPerLane + request) * rowsPerRequest;
      const rows = Array.from({ length: rowsPerRequest }, (_, index) => row(first + index + 1));
      const options = { bypassBusinessLogic: [], suppressFlows: false, duplicateDetection: false } as const;
      await writeRows(client, { table, operation: 'upsert', rows, options, repeat: false, deadlineAtMs: Infinity });
    }
  };
  await Promise.all(Array.from({ length: laneCount }, (_, lane) => send(lane)));
  return { counters: emulator.counters(), expectedRows: laneCount * requestsPerLane * rowsPerRequest };
}

describe('a storm of 429 answers', () => {
  it.each(storms)(
    '(%s) is waited out by everybody: no request is early, no row is lost',
    async (_, settings, facets) => {
      const { counters, expectedRows } = await storm(settings, [defaultClientId]);
      const [user] = Object.values(counters.users);
      for (const facet of facets) expect(user?.refused[facet]).toBeGreaterThan(0);
      expect(counters.earlyRetries).toBe(0);
      expect(tableOf(environment, 'fan_city')).toHaveLength(expectedRows);
    },
  );

  it('over two identities is waited out by each for itself, while the other goes on', async () => {
    const { counters, expectedRows } = await storm({ limits: { requests: 20 } }, [defaultClientId, secondClientId]);
    const users = Object.values(counters.users);
    expect(users).toHaveLength(2);
    for (const user of users) {
      expect(user.refused.requests).toBeGreaterThan(0);
      expect(user.requests).toBeGreaterThan(20);
    }
    expect(counters.earlyRetries).toBe(0);
    expect(tableOf(environment, 'fan_city')).toHaveLength(expectedRows);
  });
});
