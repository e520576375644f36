import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Emulator } from '../../../src/index.ts';
import { emulatorOnly } from '../../support/contract.ts';
import { clientOf, startSuiteEmulator } from '../../support/start.ts';

emulatorOnly('the data directory', () => {
  it('gives rows created after a restart ids that no earlier row has', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'emulator-data-'));
    try {
      for (const life of [1, 2, 3]) {
        const emulator = await startSuiteEmulator({ dataDir, seed: 7 });
        const { status, text } = await clientOf(emulator).send('POST', 'accounts', { name: `life ${life}` });
        expect(`${status} ${text}`).toBe('204 ');
        await emulator.close();
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  it('is for one emulator at a time, and free again after it', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'emulator-data-'));
    const first = await startSuiteEmulator({ dataDir });
    await expect(startSuiteEmulator({ dataDir })).rejects.toThrow(`is in use by process ${process.pid}`);
    await clientOf(first).post('accounts', { name: 'kept' });
    await first.close();
    const second = await startSuiteEmulator({ dataDir });
    expect(second.database.table('account')?.count).toBe(1);
    await second.close();
    const { port } = new URL(first.url);
    const other = await startSuiteEmulator({ port: Number(port) });
    await expect(startSuiteEmulator({ dataDir, port: Number(port) })).rejects.toThrow('EADDRINUSE');
    await (await startSuiteEmulator({ dataDir })).close();
    await other.close();
    await rm(dataDir, { recursive: true });
  });

  it('keeps committed rows through kill -9', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dataverse-emulator-'));
    const source = new URL('../../../src/cli.ts', import.meta.url).pathname;
    const launch = async () => {
      const child = spawn(process.execPath, [source, '--port', '0', '--profile', 'fast', '--data', directory], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const url = await new Promise<string>((resolve, reject) => {
        child.once('exit', (code) => reject(new Error(`exit ${code}`)));
        child.stdout.once('data', (text: Buffer) =>
          resolve(/^dataverse-emulator ready at (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(text.toString())?.[1] ?? ''),
        );
      });
      return { child, url, exit: new Promise<number | null>((resolve) => child.once('exit', resolve)) };
    };
    const first = await launch();
    const api = clientOf({ url: first.url } as Emulator);
    await api.bulk('accounts', 'account', 'CreateMultiple', [{ name: 'kept' }, { name: 'kept too' }]);
    first.child.kill('SIGKILL');
    await first.exit;
    const second = await launch();
    const answer = await clientOf({ url: second.url } as Emulator).get('accounts?$select=name&$orderby=name');
    expect((answer.json.value as { name: string }[]).map((row) => row.name)).toEqual(['kept', 'kept too']);
    second.child.kill('SIGTERM');
    expect(await second.exit).toBe(0);
    rmSync(directory, { recursive: true });
  });
});
