import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { citiesCsv, cityTarget, startApp, until, type App } from '../support/app.ts';
import { countTableRows } from '../../scripts/emulator-control.ts';

const rowCount = 12_000;
let app: App;
beforeAll(async () => {
  app = await startApp();
  // Slow enough that three kills meet a run in full flight.
  await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 400 } } });
});
afterAll(async () => app.stop());

/** Kills the host once so many rows are in the table, in the middle of the run, and starts it again. */
async function killAt(share: number, rows: number): Promise<void> {
  const inTable = async () => countTableRows(app.stack.emulatorUrl, 'fan_city');
  await until(`${share} of the rows`, async () => (await inTable()) >= rows * share);
  await app.stack.hostProcess.kill('SIGKILL');
  expect(await inTable()).toBeLessThan(rows);
  await app.stack.hostProcess.restart();
}

describe('a host that is killed with SIGKILL three times during a run', () => {
  it('finishes the run: the books close, no row twice, none lost', async () => {
    const source = await app.put('cities.csv', citiesCsv(rowCount));
    const runId = await app.start({ connection: 'main', source, target: cityTarget });
    for (const share of [0.15, 0.4, 0.65]) await killAt(share, rowCount);
    const { report } = await app.ended(runId);
    expect(report).toMatchObject({
      state: 'completed',
      rowsTotal: rowCount,
      counts: { upserted: rowCount },
      proof: { tiles: true, rowsCovered: rowCount, sumsAgree: true },
      gaps: [],
      overlaps: [],
    });

    const ids = (await app.rows('fan_city')).map((row) => Number(row['fan_geonameid']));
    expect(ids).toHaveLength(rowCount);
    expect(new Set(ids).size).toBe(rowCount);
    expect(Math.min(...ids)).toBe(1);
    expect(Math.max(...ids)).toBe(rowCount);
    const journal = await app.journal();
    expect(journal.filter((entry) => entry.operation === 'created')).toHaveLength(rowCount);
    expect(journal.filter((entry) => entry.operation === 'deleted')).toHaveLength(0);
  });

  it('creates no row twice either, where only the key chosen by the run protects it', async () => {
    await app.control('POST', 'reset', { rows: true, counters: true });
    const csv = ['fan_name', ...Array.from({ length: 6_000 }, (_, at) => `Town ${at + 1}`), ''].join('\n');
    const source = await app.put('towns.csv', csv);
    const runId = await app.start({ connection: 'main', source, target: { table: 'fan_city', operation: 'create' } });
    for (const share of [0.3, 0.6]) await killAt(share, 6_000);
    const { report } = await app.ended(runId);
    expect(report).toMatchObject({ state: 'completed', counts: { created: 6_000 } });
    const names = (await app.rows('fan_city')).map((row) => row['fan_name']);
    expect(names).toHaveLength(6_000);
    expect(new Set(names).size).toBe(6_000);
  });
});
