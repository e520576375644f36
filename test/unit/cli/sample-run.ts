import type { RunProgress, RunReport, RunView } from '../../../cli/api.ts';

export const sampleProgress: RunProgress = {
  rowsTotal: 138_398,
  rowsDone: 51_200,
  counts: { upserted: 51_200 },
  rowsPerSecond: 1890.4,
  etaSeconds: 46,
  wave: 4,
  lanes: 48,
  dopHint: 48,
  rowsPerRequest: 100,
  requests: 512,
  throttled: 0,
  waitingUntil: null,
};

export const sampleRun: RunView = {
  runId: 'r1',
  state: 'running',
  createdAt: '2026-11-23T08:00:00Z',
  updatedAt: '2026-11-23T08:01:10Z',
  connection: 'main',
  table: 'fan_city',
  operation: 'upsert',
  source: { container: 'sources', blob: 'geonames/cities.csv' },
  progress: sampleProgress,
  faults: [],
  links: {
    self: '/api/runs/r1',
    cancel: '/api/runs/r1/cancel',
    report: '/api/runs/r1/report',
    failures: '/api/runs/r1/failures',
  },
};

export const sampleReport: RunReport = {
  runId: 'r1',
  state: 'completed',
  connection: 'main',
  table: 'fan_city',
  operation: 'upsert',
  source: {
    container: 'sources',
    blob: 'geonames/cities.csv',
    etag: '"1"',
    bytes: 9_000_000,
    sha256: 'ab'.repeat(32),
  },
  rowsTotal: 138_398,
  counts: { upserted: 138_398 },
  recovered: 0,
  proof: { tiles: true, parts: 692, rowsCovered: 138_398, sumsAgree: true },
  gaps: [],
  overlaps: [],
  requests: 1384,
  throttled: 0,
  startedAt: '2026-11-23T08:00:00Z',
  endedAt: '2026-11-23T08:01:14Z',
  seconds: 74.1,
  rowsPerSecond: 1867.7,
  topFailures: [],
  faults: [],
};
