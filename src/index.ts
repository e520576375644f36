import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { createCloseRun } from './activities/close-run.ts';
import { createIndexSource } from './activities/index-source.ts';
import { createOpenRun } from './activities/open-run.ts';
import { createReadBooks } from './activities/read-books.ts';
import { createSendRows } from './activities/send-rows.ts';
import { createSettleRun } from './activities/settle-run.ts';
import { createSpoolRows } from './activities/spool-rows.ts';
import { governor } from './entities/governor.ts';
import { dashboard } from './functions/dashboard.ts';
import { health } from './functions/health.ts';
import { cancelRun, pauseRun, resumeRun, unpauseRun } from './functions/control-run.ts';
import { planRun } from './functions/plan-run.ts';
import { getFailures, getReport, getRun, listRuns, startRun } from './functions/runs.ts';
import { logSyncs, startSyncs } from './functions/syncs.ts';
import { redriveRun, undoRun } from './functions/take-up.ts';
import { names } from './names.ts';
import { bulkRun } from './orchestrators/bulk-run.ts';
import { loadProcessSettings } from './settings.ts';
import { startTelemetry } from './telemetry.ts';
import { wire } from './wiring.ts';

/** The only registration: names to functions. */
df.app.orchestration(names.bulkRun, bulkRun);
df.app.entity(names.governor, governor);

// Not before these two: where an app throws before it registers anything, the worker takes it for one of an older model without functions,
// and the host answers 404 to everything instead of saying what is wrong (Azure/azure-functions-nodejs-worker, FunctionsMetadataHandler.ts).
const settings = loadProcessSettings();
await startTelemetry(settings.applicationInsights);
const deps = wire(settings);

df.app.activity(names.openRun, { handler: createOpenRun(deps) });
df.app.activity(names.indexSource, { handler: createIndexSource(deps) });
df.app.activity(names.sendRows, { handler: createSendRows(deps) });
df.app.activity(names.closeRun, { handler: createCloseRun(deps) });
df.app.activity(names.spoolRows, { handler: createSpoolRows(deps) });
df.app.activity(names.settleRun, { handler: createSettleRun(deps) });
df.app.activity(names.readBooks, { handler: createReadBooks(deps) });

const runs = { authLevel: 'function' } as const;
df.app.client.http('startRun', { ...runs, methods: ['POST'], route: 'runs', handler: startRun(deps) });
df.app.client.http('planRun', { ...runs, methods: ['POST'], route: 'plans', handler: planRun(deps) });
df.app.client.http('listRuns', { ...runs, methods: ['GET'], route: 'runs', handler: listRuns(deps) });
df.app.client.http('getRun', { ...runs, methods: ['GET'], route: 'runs/{runId}', handler: getRun(deps) });
df.app.client.http('cancelRun', { ...runs, methods: ['POST'], route: 'runs/{runId}/cancel', handler: cancelRun(deps) });
df.app.client.http('pauseRun', { ...runs, methods: ['POST'], route: 'runs/{runId}/pause', handler: pauseRun(deps) });
df.app.client.http('unpauseRun', {
  ...runs,
  methods: ['POST'],
  route: 'runs/{runId}/unpause',
  handler: unpauseRun(deps),
});
df.app.client.http('resumeRun', { ...runs, methods: ['POST'], route: 'runs/{runId}/resume', handler: resumeRun(deps) });
df.app.client.http('redriveRun', {
  ...runs,
  methods: ['POST'],
  route: 'runs/{runId}/redrive',
  handler: redriveRun(deps),
});
df.app.client.http('undoRun', { ...runs, methods: ['POST'], route: 'runs/{runId}/undo', handler: undoRun(deps) });
df.app.client.http('getReport', { ...runs, methods: ['GET'], route: 'runs/{runId}/report', handler: getReport(deps) });
df.app.client.http('getFailures', {
  ...runs,
  methods: ['GET'],
  route: 'runs/{runId}/failures',
  handler: getFailures(deps),
});

app.http('dashboard', { authLevel: 'anonymous', methods: ['GET'], route: 'dashboard/{file?}', handler: dashboard });
app.http('health', { authLevel: 'function', methods: ['GET'], route: 'health', handler: health(deps) });

df.app.client.timer('startSyncs', {
  schedule: settings.syncSchedule,
  handler: async (_timer, client, context) => logSyncs(await startSyncs(deps, client), context),
});
