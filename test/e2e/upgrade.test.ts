import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { citiesCsv, cityTarget, startApp, until, type App } from '../support/app.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const rowCount = 6_000;
let appDir: string;
let app: App;

beforeAll(async () => {
  appDir = await mkdtemp(join(tmpdir(), 'fanout-upgrade-'));
  for (const name of ['dist', 'dashboard', 'host.json', 'package.json'])
    await cp(join(root, name), join(appDir, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(appDir, 'node_modules'));
  app = await startApp({ appDir });
  await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 400 } } });
});
afterAll(async () => {
  await app.stop();
  await rm(appDir, { recursive: true, force: true });
});

/** The next version does one step more before all others. */
async function changeOrchestrator(): Promise<void> {
  const file = join(appDir, 'dist/orchestrators/bulk-run.js');
  const text = await readFile(file, 'utf8');
  const begin = 'const cancel = new CancelWatch(context);';
  expect(text.split(begin)).toHaveLength(2);
  await writeFile(file, text.replace(begin, `yield* readBooks(context, input.runId); ${begin}`));
}

describe('a version whose orchestrator does other steps, deployed while a run is in flight', () => {
  it('ends the run as failed, names resume, and lets it go on from its ledger; no row is lost or sent for nothing', async () => {
    const source = await app.put('cities.csv', citiesCsv(rowCount));
    const runId = await app.start({ connection: 'main', source, target: cityTarget });
    await until('rows in flight', async () => (await app.rows('fan_city')).length > rowCount * 0.2);
    await app.stack.hostProcess.kill('SIGKILL');
    await changeOrchestrator();
    await app.stack.hostProcess.restart();
    const viewed = async () => (await app.client.getRun(runId)).body;
    await until('the run has failed', async () => (await viewed()).state === 'failed');
    expect((await viewed()).faults).toMatchObject([{ detail: expect.stringContaining('resume lets the run go on') }]);

    await app.post(runId, 'resume');
    const { report } = await app.ended(runId);
    expect(report).toMatchObject({
      state: 'completed',
      counts: { upserted: rowCount },
      proof: { tiles: true, rowsCovered: rowCount, sumsAgree: true },
    });
    const journal = await app.journal();
    expect(journal.filter(({ operation }) => operation === 'created')).toHaveLength(rowCount);
  });
});
