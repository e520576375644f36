import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';

const program = fileURLToPath(new URL('../../../scripts/upload.ts', import.meta.url));

async function upload(...args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close') as Promise<[number]>]);
  return { said, code };
}

test('what cannot be uploaded is refused before storage is asked', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'spec.json');
  await writeFile(file, '{"connection":"main"}');
  const [missing, directory, unnamed, faulty] = await Promise.all([
    upload('nowhere.csv'),
    upload(folder.path),
    upload(file, 'customers', '--container', 'fanout-syncs'),
    upload(file, '--container', 'fanout-syncs'),
  ]);
  expect([missing, directory, unnamed, faulty].map(({ code }) => code)).toEqual([2, 2, 2, 2]);
  expect(missing.said).toBe('nowhere.csv does not exist.\n');
  expect(directory.said).toBe(`${folder.path} is a folder; a file is wanted.\n`);
  expect(unnamed.said).toBe('A sync is called NAME.json, not "customers".\n');
  expect(faulty.said).toContain('A sync is a run spec');
  expect(faulty.said).toContain('/source');
});
