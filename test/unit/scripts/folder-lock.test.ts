import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { lockFolder } from '../../../scripts/folder-lock.ts';
import { temporaryFolder } from './temporary-folder.ts';

const moduleUrl = new URL('../../../scripts/folder-lock.ts', import.meta.url);

/** Another process locks the folder and dies without a word. */
function lockElsewhere(path: string) {
  const code = `
    const { lockFolder } = await import(${JSON.stringify(moduleUrl.href)});
    await lockFolder(${JSON.stringify(path)});
    process.kill(process.pid, 'SIGKILL');`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('.', moduleUrl)),
  });
}

test('a folder belongs to one process, and a killed one leaves no lock behind', async () => {
  await using folder = await temporaryFolder();
  expect(lockElsewhere(folder.path).signal).toBe('SIGKILL');
  await lockFolder(folder.path);
  const second = lockElsewhere(folder.path);
  expect(second.signal).toBeNull();
  expect(second.stderr).toContain('is in use by another npm start');
});
