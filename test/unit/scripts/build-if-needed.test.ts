import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isStale } from '../../../scripts/build-if-needed.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('an output is stale when it is missing or when any source, however deep, is newer', async () => {
  await using folder = await temporaryFolder();
  const source = join(folder.path, 'src');
  const output = join(folder.path, 'index.js');
  const deepFile = join(source, 'deep/er/file.ts');
  await mkdir(join(source, 'deep/er'), { recursive: true });
  await writeFile(deepFile, '');
  expect(await isStale({ source, output })).toBe(true);

  await writeFile(output, '');
  await utimes(output, 2000, 2000);
  await utimes(deepFile, 1000, 1000);
  expect(await isStale({ source, output })).toBe(false);

  await utimes(deepFile, 3000, 3000);
  expect(await isStale({ source, output })).toBe(true);
});
