import type { LatencySettings } from '../latency/latency-model.ts';
import type { LimitSettings, RetryAfterSettings } from '../limits/limit-settings.ts';
import type { ApplicationUserSetting, Settings } from './settings.ts';

/** The client id of the user that the managed-identity endpoint stands for when none is named. */
export const defaultClientId = '5b0e6f7a-1d1c-4f0e-9a55-0c6a5d3f7e01';

export const defaultUser: ApplicationUserSetting = {
  clientId: defaultClientId,
  name: 'Default application user',
  secret: null,
  disabled: false,
  mayImpersonate: true,
  mayBypassLogic: true,
  denied: [],
};

const secondUser: ApplicationUserSetting = {
  ...defaultUser,
  clientId: '5b0e6f7a-1d1c-4f0e-9a55-0c6a5d3f7e02',
  name: 'Second application user',
};

const retryAfter: RetryAfterSettings = {
  model: 'growing',
  fixedSeconds: 30,
  concurrencySeconds: 30,
  growth: 1.5,
  maxSeconds: 500,
  earlyGraceMs: 500,
  early: 'judge',
};

/** learn.microsoft.com/power-apps/developer/data-platform/api-limits (6,000 requests, 20 minutes, 52 at once in 5 minutes). */
const documentedLimits: LimitSettings = {
  scope: 'perServer',
  windowMs: 300_000,
  requests: 6000,
  executionTimeMs: 1_200_000,
  concurrency: 52,
  writeConcurrency: null,
  countRefused: false,
  order: ['concurrency', 'requests', 'executionTime'],
  retryAfter,
};

/**
 * Row costs: 24.7 ms per row of a bulk upsert by GUID and 62 ms by alternate key (measurements published with
 * joshsmithxrm/power-platform-developer-suite); updates 1.5 and deletes 2 creates (same source); overhead and knee are choices
 * that fit those figures.
 */
const documentedLatency: LatencySettings = {
  overheadMs: { single: 70, bulk: 150, batch: 40, batchOperation: 15, read: 30 },
  rowMs: { create: 24.7, update: 37, upsert: 24.7, upsertByKey: 62, delete: 49.4 },
  knee: 40,
  kneeExponent: 1.05,
  noiseSigma: 0.1,
  tailProbability: 0.01,
  tailFactor: 5,
  executionShare: 1,
  writePool: null,
};

/**
 * Row costs of Microsoft's own sample, which upserts 100 rows over the Web API in about a second
 * (microsoft/PowerApps-Samples, dataverse/webapi, BulkOperations); other operations in the proportions of `documentedLatency`.
 */
const sampleLatency: LatencySettings = {
  ...documentedLatency,
  rowMs: { create: 8.5, update: 12.7, upsert: 8.5, upsertByKey: 20.4, delete: 17 },
};

const noLatency: LatencySettings = {
  ...documentedLatency,
  overheadMs: { single: 0, bulk: 0, batch: 0, batchOperation: 0, read: 0 },
  rowMs: { create: 0, update: 0, upsert: 0, upsertByKey: 0, delete: 0 },
  knee: null,
  noiseSigma: 0,
  tailProbability: 0,
};

const common: Omit<Settings, 'profile' | 'servers' | 'hint' | 'limits' | 'latency'> = {
  serversOut: [],
  hintTurns: null,
  routing: 'random',
  users: [defaultUser, secondUser],
  tokenLifetimeSeconds: 3600,
  identityHeader: null,
  pageSize: 5000,
  countLimit: 5000,
  deltaTokenLifetimeSeconds: 7 * 86_400,
  maxBatchOperations: 1000,
  maxBodyBytes: 16 * 1024 * 1024,
  keepAliveMs: 120_000,
  enforceRequired: true,
  readOnlyColumns: 'ignore',
  sqlTimeoutMs: 120_000,
  deleteMultipleStandardStatus: 501,
  missingMessages: {},
  plugins: [],
  // learn.microsoft.com/power-apps/developer/data-platform/bulk-operations (message size limits)
  pluginContextMaxBytes: Math.floor(116.85 * 1024 * 1024),
  duplicateRules: [],
  firstUseMs: null,
  bulkDeleteSeconds: 15,
  limitBatchParts: false,
  clockSkewSeconds: 0,
  elasticReadLagMs: 0,
  journalLimit: 5_000_000,
};

/** The knee grows with the servers and lies above the hint, so that running at the hint is never hindered. */
const documented = (profile: string, servers: number): Settings => ({
  ...common,
  profile,
  servers,
  hint: 4 * servers,
  limits: documentedLimits,
  latency: { ...documentedLatency, knee: 10 * servers },
});

const documented4 = documented('documented-4', 4);

const all: readonly Settings[] = [
  documented('documented-1', 1),
  documented4,
  documented('documented-12', 12),
  { ...documented('sample-12', 12), latency: { ...sampleLatency, knee: 120 } },
  documented('trial', 1),
  {
    ...documented('ppds-dev', 3),
    hint: 5,
    latency: { ...documentedLatency, knee: 30, executionShare: 0.9 },
  },
  {
    ...documented('shared-gateway', 15),
    hint: 8,
    limits: {
      ...documentedLimits,
      scope: 'shared',
      requests: 8000,
      executionTimeMs: null,
      concurrency: 100,
      writeConcurrency: 40,
    },
    latency: { ...documentedLatency, knee: 20 },
  },
  { ...documented('silent-queue', 4), latency: { ...documentedLatency, knee: null, writePool: 40 } },
  {
    ...documented('elastic', 8),
    latency: {
      ...documentedLatency,
      knee: 80,
      rowMs: { create: 2.47, update: 2.47, upsert: 2.47, upsertByKey: 2.47, delete: 2.47 },
    },
  },
  {
    ...documented('fast', 1),
    hint: 8,
    bulkDeleteSeconds: 0,
    limits: { ...documentedLimits, requests: 100_000_000, executionTimeMs: 100_000_000_000, concurrency: 100_000 },
    latency: noLatency,
  },
];

/** Every profile by name; `documented` is the environment with 4 servers. */
export const profiles: ReadonlyMap<string, Settings> = new Map([
  ...all.map((settings) => [settings.profile, settings] as const),
  ['documented', { ...documented4, profile: 'documented' }],
]);
