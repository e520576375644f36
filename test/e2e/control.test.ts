import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countTableRows } from '../../scripts/emulator-control.ts';
import type { RunView } from '../../cli/api.ts';
import { citiesCsv, cityTarget, startApp, until, type App } from '../support/app.ts';

let app: App;
beforeAll(async () => {
  app = await startApp({ env: { FANOUT_SYNC_SCHEDULE: '* * * * * *' } });
});
afterAll(async () => app.stop());

async function runs(): Promise<readonly RunView[]> {
  const response = await app.api('/api/runs?top=100');
  return ((await response.json()) as { readonly runs: readonly RunView[] }).runs;
}

describe('cancel', () => {
  it('stops the lanes, keeps what was done, and the books still close', async () => {
    await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 300 } } });
    const source = await app.put('cancel.csv', citiesCsv(20_000));
    const runId = await app.start({ connection: 'main', source, target: cityTarget });
    await until('rows in flight', async () => (await countTableRows(app.stack.emulatorUrl, 'fan_city')) > 0);
    expect((await app.api(`/api/runs/${runId}/cancel`, { method: 'POST' })).status).toBe(202);
    const { report } = await app.ended(runId);
    expect(report.state).toBe('cancelled');
    expect(report.counts.upserted).toBe(await countTableRows(app.stack.emulatorUrl, 'fan_city'));
    expect(report.counts.upserted).toBe(new Set((await app.journal()).map(({ rowId }) => rowId)).size);
    expect(report.counts.notAttempted).toBeGreaterThan(0);
    expect((await app.api(`/api/runs/${runId}/cancel`, { method: 'POST' })).status).toBe(409);
    await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 0 } } });
  });
});

describe('the speed of a cancel', () => {
  it('is such that nothing is written 10 s after it was asked for, and the report is there', async () => {
    await app.control('POST', 'reset', { rows: true, counters: true });
    await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 2_000 } } });
    const source = await app.put('cancel-soon.csv', citiesCsv(50_000));
    const runId = await app.start({ connection: 'main', source, target: cityTarget });
    await until('rows in flight', async () => (await countTableRows(app.stack.emulatorUrl, 'fan_city')) > 1_000);
    const askedMs = Date.now();
    await app.post(runId, 'cancel');
    const { report } = await app.ended(runId);
    const endedMs = Date.now();
    const last = Math.max(...(await app.journal()).map((entry) => entry.atMs));
    await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 0 } } });
    expect(last - askedMs).toBeLessThan(10_000);
    expect(endedMs - askedMs).toBeLessThan(20_000);
    expect(report).toMatchObject({ state: 'cancelled', proof: { sumsAgree: true }, overlaps: [] });
    expect(report.counts.upserted).toBe(await countTableRows(app.stack.emulatorUrl, 'fan_city'));
  });
});

describe('pause', () => {
  it('holds a run until it is let go on, and loses nothing', async () => {
    await app.control('POST', 'reset', { rows: true, counters: true });
    await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 200 } } });
    const source = await app.put('pause.csv', citiesCsv(15_000));
    const runId = await app.start({ connection: 'main', source, target: cityTarget });
    const count = async () => countTableRows(app.stack.emulatorUrl, 'fan_city');
    await until('rows in flight', async () => (await count()) > 500);
    await app.post(runId, 'pause');
    let before = -1;
    await until('nothing moves', async () => {
      const now = await count();
      const { state } = (await app.client.getRun(runId)).body;
      const isStill = state === 'paused' && now === before;
      before = now;
      if (!isStill) await new Promise((resolve) => setTimeout(resolve, 2_500));
      return isStill;
    });
    expect(before).toBeLessThan(15_000);
    await app.post(runId, 'unpause');
    const { report } = await app.ended(runId);
    expect(report).toMatchObject({ state: 'completed', counts: { upserted: 15_000 } });
    await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 0 } } });
  });
});

describe('a run whose orchestration is gone', () => {
  it('goes on from its parts alone, and sends nothing again that has a part', async () => {
    await app.control('POST', 'reset', { rows: true, counters: true });
    await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 200 } } });
    const source = await app.put('gone.csv', citiesCsv(15_000));
    const runId = await app.start({ connection: 'main', source, target: cityTarget });
    const count = async () => countTableRows(app.stack.emulatorUrl, 'fan_city');
    await until('a good part of the rows', async () => (await count()) > 4_000);
    expect((await app.api(`/api/runs/${runId}/resume`, { method: 'POST' })).status).toBe(409);
    const instance = `/runtime/webhooks/durabletask/instances/${runId}`;
    await app.api(`${instance}/terminate?reason=lost`, { method: 'POST' });
    await until('its end', async () => (await app.client.getRun(runId)).body.state === 'failed');
    await app.api(instance, { method: 'DELETE' });
    const before = (await app.journal()).length;
    await app.post(runId, 'resume');
    const { report } = await app.ended(runId);
    await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 0 } } });
    expect(report).toMatchObject({ state: 'completed', counts: { upserted: 15_000 }, proof: { tiles: true } });
    expect(await count()).toBe(15_000);
    const writtenAgain = (await app.journal()).filter((entry) => entry.operation === 'updated').length;
    expect(before).toBeGreaterThan(4_000);
    expect(writtenAgain).toBeLessThan(15_000 - before);
  });
});

describe('a sync', () => {
  it('starts one run for each version of its source', async () => {
    const source = await app.put('sync.csv', citiesCsv(3));
    const definitions = app.container('fanout-syncs');
    const definition = JSON.stringify({ connection: 'main', source, target: cityTarget });
    await definitions.getBlockBlobClient('cities.json').upload(definition, definition.length);
    await definitions.getBlockBlobClient('faulty.json').upload('{}', 2);
    const syncs = async () => (await runs()).filter(({ runId }) => runId.startsWith('sync-'));

    await until('the first run', async () => (await syncs()).some(({ state }) => state === 'completed'));
    await app.put('sync.csv', citiesCsv(4));
    await until(
      'the second run',
      async () => (await syncs()).filter(({ state }) => state === 'completed').length === 2,
    );
    expect((await syncs()).map(({ progress }) => progress?.rowsTotal)).toEqual([4, 3]);
  });
});

describe('a source that changes while it is loaded', () => {
  it('ends the run, says why, and leaves the rest alone', async () => {
    await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 300 } } });
    const source = await app.put('changing.csv', citiesCsv(20_000));
    const runId = await app.start({ connection: 'main', source, target: cityTarget });
    await until('rows in flight', async () => ((await app.client.getRun(runId)).body.progress?.rowsDone ?? 0) > 0);
    await app.put('changing.csv', citiesCsv(5));
    const { view, report } = await app.ended(runId);
    expect(report.state).toBe('stopped');
    expect(view.note).toContain('no longer the version');
    expect(report.counts.notAttempted).toBeGreaterThan(0);
    await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 0 } } });
  });
});

describe('two runs on one connection', () => {
  it('share the lanes that the environment recommends, and both end', async () => {
    await app.control('POST', 'reset', { counters: true });
    await app.control('PATCH', 'settings', { hint: 6, latency: { overheadMs: { bulk: 100 } } });
    const [one, two] = await Promise.all([app.put('one.csv', citiesCsv(3_000)), app.put('two.csv', citiesCsv(3_000))]);
    const ends = await Promise.all(
      [one, two].map(async (source) => app.run({ connection: 'main', source, target: cityTarget })),
    );
    expect(ends.map(({ report }) => [report.state, report.counts])).toEqual([
      ['completed', { upserted: 3_000 }],
      ['completed', { upserted: 3_000 }],
    ]);
    const counters = (await app.control('GET', 'counters')) as {
      readonly users: Record<string, { readonly peakRunning: number }>;
    };
    const peak = Math.max(...Object.values(counters.users).map((user) => user.peakRunning));
    expect(peak).toBeGreaterThan(1);
    // Metadata reads of the second run may come on top of the lanes of the first.
    expect(peak).toBeLessThanOrEqual(8);
    await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 0 } } });
  });
});

describe('limits', () => {
  it('waits as long as the environment says, and never knocks early', async () => {
    await app.control('POST', 'reset', { counters: true });
    await app.control('PATCH', 'settings', {
      hint: 16,
      limits: { concurrency: 6, retryAfter: { concurrencySeconds: 2 } },
      latency: { overheadMs: { bulk: 200 } },
    });
    const source = await app.put('limits.csv', citiesCsv(6_000));
    const { report } = await app.run({
      connection: 'main',
      source,
      target: cityTarget,
      options: { rowsPerRequest: 50 },
    });
    expect(report).toMatchObject({ state: 'completed', counts: { upserted: 6_000 } });
    expect(report.throttled).toBeGreaterThan(0);
    const counters = (await app.control('GET', 'counters')) as {
      readonly users: Record<string, { readonly earlyRetries: number }>;
    };
    expect(Object.values(counters.users).reduce((total, user) => total + user.earlyRetries, 0)).toBe(0);
  });
});

describe('the dashboard', () => {
  it('is served with its files and lets no foreign script in', async () => {
    const page = await app.api('/api/dashboard');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    const open = [...html.matchAll(/(?:src|href)="([^"#:]+)"/g)].map(([, path]) => path ?? '');
    const seen = new Set<string>();
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      const address = new URL(path, `${app.stack.url}/api/dashboard`).pathname;
      if (seen.has(address)) continue;
      seen.add(address);
      const file = await app.api(address);
      expect(file.status, address).toBe(200);
      const imports = (await file.text()).matchAll(/^import .* from '\.\/([\w-]+\.js)';$/gm);
      open.push(...[...imports].map(([, name]) => `dashboard/${name ?? ''}`));
    }
    expect(seen.size).toBeGreaterThan(5);
    expect((await app.api('/api/health')).status).toBe(200);
  });
});
