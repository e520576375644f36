/**
 * Records histories of `bulkRun` from real runs of the built app: `node test/replay/record.ts [NAME ...]`. Run it when the orchestrator changes on purpose,
 * and keep the histories of released versions beside the new ones.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { citiesCsv, cityTarget, startApp, until, type App } from '../support/app.ts';

type Scenario = (app: App) => Promise<string>;

const spec = async (app: App, blob: string, rows: number, options: object = {}) => ({
  connection: 'main',
  source: await app.put(blob, citiesCsv(rows)),
  target: cityTarget,
  options,
});

const scenarios: Readonly<Record<string, Scenario>> = {
  /** Several waves, the lanes dealt afresh each time. */
  async waves(app) {
    await app.control('PATCH', 'settings', { hint: 4, latency: { overheadMs: { bulk: 1_500 } } });
    const runId = await app.start(await spec(app, 'waves.csv', 4_000));
    await app.ended(runId);
    return runId;
  },
  /** A request hangs over the ends of several boxes; its lane is not waited for, and followed by another once it is back. */
  async carried(app) {
    await app.control('PATCH', 'settings', { hint: 6, latency: { overheadMs: { bulk: 700 } } });
    const runId = await app.start(await spec(app, 'carried.csv', 30_000));
    const hangs = { kind: 'slowHeaders', match: { message: 'UpsertMultiple' }, nth: 10, delayMs: 13_000 };
    await app.control('POST', 'faults', hangs);
    await app.ended(runId);
    return runId;
  },
  /** Each lane at a server of its own, once all are found. */
  async pinned(app) {
    await app.control('PATCH', 'settings', { servers: 2, hint: 10, latency: { overheadMs: { bulk: 1_000 } } });
    const runId = await app.start(await spec(app, 'pinned.csv', 14_000));
    await app.ended(runId);
    return runId;
  },
  /** Refused by a limit, waits on a durable timer, goes on with fewer lanes. */
  async throttled(app) {
    await app.control('PATCH', 'settings', {
      hint: 8,
      limits: { concurrency: 4, retryAfter: { concurrencySeconds: 8 } },
      latency: { overheadMs: { bulk: 300 } },
    });
    const runId = await app.start(await spec(app, 'throttled.csv', 2_000));
    await app.ended(runId);
    return runId;
  },
  /** Faults found before a row is sent. */
  async failed(app) {
    const runId = await app.start({
      ...(await spec(app, 'failed.csv', 1)),
      target: { ...cityTarget, table: 'fan_town' },
    });
    await app.ended(runId);
    return runId;
  },
  /** Cancelled while lanes are in flight. */
  async cancelled(app) {
    await app.control('PATCH', 'settings', { hint: 4, latency: { overheadMs: { bulk: 1_000 } } });
    const runId = await app.start(await spec(app, 'cancelled.csv', 20_000));
    await until('rows in flight', async () => (await app.rows('fan_city')).length > 0);
    await app.api(`/api/runs/${runId}/cancel`, { method: 'POST' });
    await app.ended(runId);
    return runId;
  },
};

const wanted = process.argv.slice(2);
for (const [name, scenario] of Object.entries(scenarios)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const dir = await mkdtemp(join(tmpdir(), 'fanout-record-'));
  const app = await startApp({ dir, env: name === 'pinned' ? { Dataverse__main__serverAffinity: 'auto' } : {} });
  try {
    const runId = await scenario(app);
    await app.stop();
    const file = new URL(`./histories/${name}.json`, import.meta.url);
    await writeFile(file, `${JSON.stringify(readHistory(join(dir, 'host'), runId), null, 1)}\n`);
  } finally {
    await app.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

function readHistory(dataDir: string, runId: string): unknown {
  const database = new DatabaseSync(join(dataDir, 'durable.sqlite'), { readOnly: true });
  const rows = database.prepare('SELECT events FROM history WHERE instanceId = ? ORDER BY seq').all(runId);
  const instance = database.prepare('SELECT input FROM instances WHERE id = ?').get(runId);
  database.close();
  return {
    instanceId: runId,
    input: JSON.parse(String(instance?.['input'])) as unknown,
    history: rows.flatMap((row) => JSON.parse(String(row['events'])) as unknown[]),
  };
}
