import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  DurableDriver,
  fixture,
  removeDirectory,
  runProgram,
  startProgram,
  temporaryDirectory,
  until,
} from './support.ts';

const directories: string[] = [];
const directory = () => {
  const path = temporaryDirectory();
  directories.push(path);
  return path;
};
afterAll(() => directories.forEach(removeDirectory));

const linesOf = (file: string): number[] => readFileSync(file, 'utf8').trim().split('\n').map(Number);

describe('the program', () => {
  test('prints one line when ready, runs terminate hooks on SIGTERM and exits 0', async () => {
    const host = await startProgram([fixture('http-esm'), '--port', '0', '--data', directory()]);
    expect(await (await fetch(`${host.url}/api/greeting`)).text()).toBe('Hi');
    expect(await host.stop('SIGTERM')).toBe(0);
    expect(host.stdout()).toBe(`functions-host ready at ${host.url}\n`);
    expect(host.stderr()).toContain('fixture terminated');
  });

  test('exits at once on a second signal, whatever is under way', async () => {
    const data = directory();
    const file = join(data, 'ran.txt');
    const host = await startProgram([fixture('durable'), '--port', '0', '--data', data]);
    await new DurableDriver(host.url).start('loggedFanOut', { file, width: 1, waves: 1, waitMs: 60_000 });
    await until(
      async () => existsSync(file),
      (exists) => exists,
    );
    host.child.kill('SIGTERM');
    await until(
      () => fetch(host.url).catch(() => undefined),
      (answer) => answer === undefined,
    );
    const before = performance.now();
    expect(await host.stop('SIGTERM')).toBe(143);
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  test('names an unknown flag and an app that is not there', async () => {
    expect(await runProgram(['--prot', '1'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining("'--prot'"),
    });
    expect(await runProgram([join(directory(), 'none'), '--port', '0'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not exist'),
    });
  });

  test('refuses an app that registers nothing and says so', async () => {
    const appDir = directory();
    writeFileSync(join(appDir, 'package.json'), '{"main":"index.js"}');
    writeFileSync(join(appDir, 'index.js'), '');
    expect(await runProgram([appDir, '--port', '0'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('registered no function: index.js'),
    });
  });

  test('refuses a data directory that another host is using', async () => {
    const data = directory();
    const host = await startProgram([fixture('durable'), '--port', '0', '--data', data]);
    const second = await runProgram([fixture('durable'), '--port', '0', '--data', data]);
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`(process ${host.child.pid ?? 0}) is using ${data}`),
    });
    expect(await host.stop('SIGINT')).toBe(0);
  });
});

test('kill -9 in the middle of fan-outs loses nothing: every activity ran and the sum is right', async () => {
  const data = directory();
  const file = join(data, 'ran.txt');
  const args = [fixture('durable'), '--port', '0', '--data', data];
  const [width, waves] = [40, 6];

  let host = await startProgram(args);
  const id = await new DurableDriver(host.url).start('loggedFanOut', { file, width, waves, waitMs: 30 });
  for (const ranBefore of [10, 80, 150]) {
    await until(
      async () => linesOf(file).length,
      (count) => count > ranBefore,
    );
    await host.stop('SIGKILL');
    host = await startProgram(args);
  }
  const status = await new DurableDriver(host.url).finish(id);
  const expected = width * waves;
  expect(status).toMatchObject({ runtimeStatus: 'Completed', output: (expected * (expected - 1)) / 2 });
  expect(new Set(linesOf(file)).size).toBe(expected);
  expect(await host.stop('SIGTERM')).toBe(0);
});
