import { defaultClientId, type Facet, type SettingsPatch } from 'dataverse-emulator';
import { afterEach, describe, expect, it } from 'vitest';
import { readTable } from '../../../src/dataverse/metadata.ts';
import { writeRows, writeTargetOf } from '../../../src/dataverse/write-rows.ts';
import { virtualClock } from './virtual-clock.ts';
import type { EncodedRow } from '../../../src/mapping/encoded-row.ts';
import type { Operation } from '../../../src/plan/outcome.ts';
import { close, openEnvironment, row, tableOf, type Environment } from './support.ts';

const rowsPerRequest = 5;
const requestsPerLane = 4;

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
  [
    'waits told as dates',
    { limits: { windowMs: 120_000, requests: 25, retryAfter: { model: 'httpDate' } } },
    ['requests'],
  ],
  [
    'waits that grow steeply',
    { limits: { requests: 25, retryAfter: { growth: 10, early: 'refuse' }, countRefused: true } },
    ['requests'],
  ],
];
const noLimits = { windowMs: 30_000, requests: null, executionTimeMs: null, concurrency: null };
/** Nothing is on its way while time passes, so there is no grace for what is. */
const waits = { concurrencySeconds: 5, earlyGraceMs: 0 };
const noOptions = { bypassBusinessLogic: [], suppressFlows: false, duplicateDetection: false } as const;
const secondClientId = defaultClientId.replace(/1$/, '2');

let environment: Environment;
afterEach(() => close(environment));

interface Storm {
  readonly clientIds?: readonly string[];
  readonly operation?: 'upsert' | 'delete';
  readonly laneCount?: number;
}

async function storm(settings: SettingsPatch, options: Storm = {}) {
  const { clientIds = [defaultClientId], operation = 'upsert', laneCount = 16 } = options;
  const clock = virtualClock();
  environment = await openEnvironment({ profile: 'documented-1', clock, emulatorClock: clock, clientIds });
  const { client, emulator } = environment;
  const table = writeTargetOf(await readTable(client, 'fan_city'));
  const write = (sent: Operation, rows: readonly EncodedRow[]) =>
    writeRows(client, { table, operation: sent, rows, options: noOptions, repeat: false, deadlineAtMs: Infinity });
  const rowCount = laneCount * requestsPerLane * rowsPerRequest;
  emulator.changeSettings({ tokenLifetimeSeconds: 10 ** 7, limits: noLimits });
  emulator.reset({ rows: true, counters: true });
  if (operation === 'delete') await write('upsert', range(0, rowCount));
  emulator.changeSettings({
    ...settings,
    limits: { ...noLimits, ...settings.limits, retryAfter: { ...waits, ...settings.limits?.retryAfter } },
  });
  emulator.reset({ rows: false, counters: true });
  const startedMs = clock.now();
  const outcomes = new Set<string>();
  const send = async (lane: number) => {
    for (let request = 0; request < requestsPerLane; request += 1) {
      const result = await write(operation, range((lane * requestsPerLane + request) * rowsPerRequest, rowsPerRequest));
      for (const { outcome } of result.outcomes) outcomes.add(outcome);
    }
  };
  await Promise.all(Array.from({ length: laneCount }, (_, lane) => send(lane)));
  expect([...outcomes]).toEqual([operation === 'upsert' ? 'upserted' : 'deleted']);
  expect(tableOf(environment, 'fan_city')).toHaveLength(operation === 'upsert' ? rowCount : 0);
  return { counters: emulator.counters(), seconds: (clock.now() - startedMs) / 1_000 };
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => row(from + index + 1));

describe('a storm of 429 answers', () => {
  it.each(storms)(
    '(%s) is waited out by everybody: no request is early, no row is lost',
    async (_, settings, facets) => {
      const { counters } = await storm(settings);
      const [user] = Object.values(counters.users);
      for (const facet of facets) expect(user?.refused[facet]).toBeGreaterThan(0);
      expect(counters.earlyRetries).toBe(0);
    },
  );

  it.each([
    ['one server', { servers: 1, limits: { requests: 20 } }],
    ['four servers', { servers: 4, limits: { requests: 6 } }],
    ['four servers that count together', { servers: 4, limits: { requests: 20, scope: 'shared' } }],
  ] as const)(
    'over two identities and %s is waited out by each for itself, while the other goes on',
    async (_, settings) => {
      const { counters } = await storm(settings, { clientIds: [defaultClientId, secondClientId] });
      const users = Object.values(counters.users);
      expect(users).toHaveLength(2);
      for (const user of users) {
        expect(user.refused.requests).toBeGreaterThan(0);
        expect(user.requests).toBeGreaterThan(20);
      }
      expect(counters.earlyRetries).toBe(0);
    },
  );

  it('meets as many lanes as a large environment recommends', async () => {
    const { counters } = await storm({ servers: 4, limits: { requests: 30, concurrency: 12 } }, { laneCount: 50 });
    const [user] = Object.values(counters.users);
    expect((user?.refused.requests ?? 0) + (user?.refused.concurrency ?? 0)).toBeGreaterThan(0);
    expect(counters.earlyRetries).toBe(0);
  });

  it.each([
    ['one identity', [defaultClientId]],
    ['two identities', [defaultClientId, secondClientId]],
  ])('inside batches is waited out too (%s)', async (_, clientIds) => {
    const { counters } = await storm(
      { limitBatchParts: true, limits: { executionTimeMs: 9_000 } },
      { operation: 'delete', clientIds },
    );
    for (const user of Object.values(counters.users)) expect(user.refused.executionTime).toBeGreaterThan(0);
    expect(counters.earlyRetries).toBe(0);
  });

  it('that tells to wait no time at all meets one request a second', async () => {
    const { counters, seconds } = await storm({ limits: { requests: 25, retryAfter: { model: 'zero' } } });
    const [user] = Object.values(counters.users);
    expect(user?.refused.requests).toBeGreaterThan(0);
    // Each limit is met by what is on its way, one for each lane at most; then it is asked for once a second.
    const limitsMet = Math.ceil((user?.requests ?? 0) / 25);
    expect(user?.refused.requests).toBeLessThanOrEqual(limitsMet * 16 + seconds);
  });
});
