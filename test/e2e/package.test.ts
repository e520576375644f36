import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { citiesCsv, cityTarget, startApp, type App } from '../support/app.ts';

const stage = fileURLToPath(new URL('../../infra/stage.js', import.meta.url));

it('with wrong settings the app says so where the host hears it, and does not pass for one without functions', async () => {
  const start = startApp({ env: { FANOUT_MAX_LANES: 'many' } });
  await expect(start).rejects.toThrow(/failed to load \S+: SettingsError: [^]*FANOUT_MAX_LANES: .*it is "many"/);
});

it('the package that is deployed holds all that the app needs, far from any checkout', async () => {
  const appDir = await mkdtemp(join(tmpdir(), 'fanout-package-'));
  let app: App | undefined;
  try {
    execFileSync(process.execPath, [stage, appDir]);
    app = await startApp({ appDir });
    const source = await app.put('cities.csv', citiesCsv(500));
    const { report } = await app.run({ connection: 'main', source, target: cityTarget });
    expect(report).toMatchObject({ state: 'completed', counts: { upserted: 500 } });
    expect(await app.rows('fan_city')).toHaveLength(500);
    expect((await app.api('/api/dashboard')).status).toBe(200);
  } finally {
    await app?.stop();
    await rm(appDir, { recursive: true, force: true });
  }
});
