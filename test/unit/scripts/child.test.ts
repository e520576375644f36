import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startChild, type ChildOptions } from '../../../scripts/child.ts';
import { temporaryFolder } from './temporary-folder.ts';

const moduleUrl = new URL('../../../scripts/child.ts', import.meta.url);
const readyWhen = (line: string) => (line.startsWith('ready ') ? line.slice('ready '.length) : undefined);

async function startProgram(folder: string, program: string, options: Partial<ChildOptions> = {}) {
  const script = join(folder, 'program.mjs');
  await writeFile(script, program);
  return startChild({ name: 'program', script, args: [], env: process.env, readyWhen, ...options });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function waitUntilGone(pid: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (!isAlive(pid)) return;
    await delay(50);
  }
  throw new Error(`process ${pid} is still there`);
}

test('a child is handed over with what its ready line says, and stops when asked', async () => {
  await using folder = await temporaryFolder();
  const lines: string[] = [];
  const program = `
    process.on('SIGTERM', () => { console.log('closing'); process.exit(0); });
    console.log('loading'); console.log('ready http://here'); console.error('later');
    setInterval(() => {}, 1000);`;
  const child = await startProgram(folder.path, program, { onLine: (line) => lines.push(line) });
  expect(child.ready).toBe('http://here');
  await child.stop();
  expect(await child.ended).toMatch(/^program ended with exit code 0; its last lines:\n/);
  expect(lines.toSorted()).toEqual(['closing', 'later', 'loading']);
  expect(isAlive(child.pid)).toBe(false);
  await child.stop();
});

test('a child that ends before it is ready is told with its last lines', async () => {
  await using folder = await temporaryFolder();
  const program = `console.error('port 7 is taken'); process.exit(5);`;
  await expect(startProgram(folder.path, program)).rejects.toThrow(
    'program ended with exit code 5; its last lines:\n  port 7 is taken',
  );
});

test('a child that never gets ready is ended', async () => {
  await using folder = await temporaryFolder();
  const pidFile = join(folder.path, 'pid');
  const program = `
    import { writeFileSync } from 'node:fs';
    writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
    console.log('still loading'); process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);`;
  await expect(startProgram(folder.path, program, { readyWithinMs: 1500 })).rejects.toThrow(
    'program was not ready within 1.5 s; its last lines:\n  still loading',
  );
  expect(isAlive(Number(await readFile(pidFile, 'utf8')))).toBe(false);
});

test('a child nobody waits for any more is ended', async () => {
  await using folder = await temporaryFolder();
  const controller = new AbortController();
  const onLine = () => controller.abort();
  const starting = startProgram(folder.path, `console.log('begun'); setInterval(() => {}, 1000);`, {
    onLine,
    signal: controller.signal,
  });
  await expect(starting).rejects.toThrow('program was not waited for');
});

test('a killed child is gone at once, whatever it does about signals', async () => {
  await using folder = await temporaryFolder();
  const program = `process.on('SIGTERM', () => {}); console.log('ready now'); setInterval(() => {}, 1000);`;
  const child = await startProgram(folder.path, program);
  await child.kill();
  expect(await child.ended).toBe('program ended by SIGKILL');
});

test('children end when their parent is killed', async () => {
  await using folder = await temporaryFolder();
  const script = join(folder.path, 'program.mjs');
  await writeFile(script, `console.log('ready now'); setInterval(() => {}, 1000);`);
  const parentProgram = `
    const { startChild } = await import(${JSON.stringify(moduleUrl.href)});
    const readyWhen = (line) => (line === 'ready now' ? line : undefined);
    const child = await startChild({ name: 'c', script: ${JSON.stringify(script)}, args: [], env: process.env, readyWhen });
    console.log(child.pid);`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', parentProgram], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const childPid = Number(line.toString('utf8'));
  expect(isAlive(childPid)).toBe(true);
  parent.kill('SIGKILL');
  await waitUntilGone(childPid);
});
