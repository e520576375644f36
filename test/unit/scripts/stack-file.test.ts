import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { readStackFile, removeStackFile, writeStackFile } from '../../../scripts/stack-file.ts';
import { temporaryFolder } from './temporary-folder.ts';

const stack = { pid: process.pid, url: 'http://127.0.0.1:1', storageConnectionString: 'AccountName=a' };

test('a stack that runs is found until it removes its file', async () => {
  await using folder = await temporaryFolder();
  expect(await readStackFile(folder.path)).toBeUndefined();
  await writeStackFile(folder.path, stack);
  expect(await readStackFile(folder.path)).toEqual(stack);
  await removeStackFile(folder.path);
  expect(await readStackFile(folder.path)).toBeUndefined();
});

test('what a killed stack left behind counts for nothing', async () => {
  await using folder = await temporaryFolder();
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'close');
  await writeStackFile(folder.path, { ...stack, pid: child.pid ?? 0 });
  expect(await readStackFile(folder.path)).toBeUndefined();
});
