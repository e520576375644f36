import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';

const script = fileURLToPath(new URL('../../../scripts/ensure-installed.js', import.meta.url));
const packages = {
  '': { name: 'app' },
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/other-system': { version: '1.0.0', integrity: 'sha512-o', optional: true },
  'node_modules/member': { resolved: 'packages/member', link: true },
  'packages/member': { version: '0.1.0' },
};

/** A project with the script, a lockfile, and an npm that only notes what it is told and installs `a`. */
async function makeProject(root: string) {
  const write = async (path: string, content: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };
  await mkdir(join(root, 'scripts'));
  await copyFile(script, join(root, 'scripts/ensure-installed.js'));
  await write('package.json', '{"type":"module"}');
  const lock = (version: string) => {
    const wanted = { ...packages, 'node_modules/a': { version, integrity: 'sha512-a' } };
    return write('package-lock.json', JSON.stringify({ packages: wanted }));
  };
  const installed = (version: string) => {
    const found = { 'node_modules/a': { version, integrity: 'sha512-a' } };
    return write('node_modules/.package-lock.json', JSON.stringify({ packages: found }));
  };
  await lock('1.0.0');
  await write(
    'bin/npm',
    `#!/bin/sh\necho "$@" >> npm-calls\nmkdir -p node_modules\necho '{"packages":{}}' > node_modules/.package-lock.json\n`,
  );
  await chmod(join(root, 'bin/npm'), 0o755);
  const args = [join(root, 'scripts/ensure-installed.js')];
  const env = { PATH: `${join(root, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin` };
  const start = async () => {
    const [code] = (await once(spawn(process.execPath, args, { env, stdio: 'ignore' }), 'exit')) as [number | null];
    return code;
  };
  const run = async () => {
    const result = spawnSync(process.execPath, args, { encoding: 'utf8', env });
    const calls = await readFile(join(root, 'npm-calls'), 'utf8').catch(() => '');
    await rm(join(root, 'npm-calls'), { force: true });
    return { code: result.status, said: result.stderr, calls };
  };
  return { lock, installed, run, start };
}

const npmCi = 'ci --no-audit --no-fund --loglevel=error\n';

test('a bare clone is installed once', async () => {
  await using folder = await temporaryFolder();
  const project = await makeProject(folder.path);
  expect(await project.run()).toEqual({
    code: 0,
    said: 'setup: node_modules is missing, running npm ci (about a minute)\n',
    calls: npmCi,
  });
  expect(await project.run()).toEqual({ code: 0, said: '', calls: '' });
});

test('what npm install put there is accepted, packages of other systems left out', async () => {
  await using folder = await temporaryFolder();
  const project = await makeProject(folder.path);
  await project.installed('1.0.0');
  expect(await project.run()).toEqual({ code: 0, said: '', calls: '' });
});

test('another lockfile means another installation', async () => {
  await using folder = await temporaryFolder();
  const project = await makeProject(folder.path);
  await project.run();
  await project.lock('2.0.0');
  const { said, calls } = await project.run();
  expect([said, calls]).toEqual(['setup: node_modules is outdated, running npm ci (about a minute)\n', npmCi]);
});

test('a failed installation is not taken for one', async () => {
  await using folder = await temporaryFolder();
  const project = await makeProject(folder.path);
  await writeFile(join(folder.path, 'bin/npm'), '#!/bin/sh\nexit 7\n');
  const { code, said } = await project.run();
  expect(code).toBe(1);
  expect(said).toContain('setup failed: npm ci ended with exit code 7');
});

test('of two that begin at once one installs, and the other waits for it', async () => {
  await using folder = await temporaryFolder();
  const project = await makeProject(folder.path);
  await writeFile(
    join(folder.path, 'bin/npm'),
    `#!/bin/sh\necho "$@" >> npm-calls\nsleep 0.5\nmkdir -p node_modules\ncp package-lock.json node_modules/.package-lock.json\n`,
  );
  expect(await Promise.all([project.start(), project.start()])).toEqual([0, 0]);
  expect(await readFile(join(folder.path, 'npm-calls'), 'utf8')).toBe(npmCi);
});

test('what a killed installation left behind holds nobody up', async () => {
  await using folder = await temporaryFolder();
  const project = await makeProject(folder.path);
  const { pid } = spawnSync(process.execPath, ['--version']);
  await mkdir(join(folder.path, '.local'));
  await writeFile(join(folder.path, '.local/setup.lock'), String(pid));
  expect((await project.run()).calls).toBe(npmCi);
});

test('a folder that cannot be written is good enough once everything is installed', async () => {
  await using folder = await temporaryFolder();
  const project = await makeProject(folder.path);
  await project.installed('1.0.0');
  // Also for root, who may write everywhere else.
  await symlink('/nowhere/stamp', join(folder.path, 'node_modules/.package-lock.sha256'));
  expect(await project.run()).toEqual({ code: 0, said: '', calls: '' });
});
