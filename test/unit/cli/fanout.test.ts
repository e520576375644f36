import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { RunState } from '../../../cli/api.ts';
import { json, startFakeService, type Answer } from './fake-service.ts';
import { sampleReport, sampleRun } from './sample-run.ts';

const program = fileURLToPath(new URL('../../../cli/fanout.ts', import.meta.url));
const specFile = fileURLToPath(new URL('../../../samples/geonames/run-spec.json', import.meta.url));

async function fanout(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { stdout, stderr, code };
}

const accepted = json(202, { runId: 'r1', links: sampleRun.links });
const ended = (state: RunState): Answer => json(200, { ...sampleRun, state });

test('run prints the id of the run and leaves it alone', async () => {
  await using service = await startFakeService([accepted]);
  expect(await fanout('run', specFile, '--url', service.url)).toEqual({ stdout: 'r1\n', stderr: '', code: 0 });
});

test('run --watch ends with the report, progress apart from it, and 0', async () => {
  await using service = await startFakeService([
    accepted,
    json(200, sampleRun),
    ended('completed'),
    json(200, sampleReport),
  ]);
  const { stdout, stderr, code } = await fanout('run', specFile, '--watch', '--url', service.url);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^run {9}r1\nstate {7}completed\n/);
  expect(stderr).toMatch(/^running .*\ncompleted .*\n$/);
});

test('a completed run with rejected rows exits with 1 and counts them', async () => {
  const report = { ...sampleReport, counts: { upserted: 138_390, rejected: 8 } };
  await using service = await startFakeService([ended('completed'), json(200, report)]);
  const { stdout, code } = await fanout('watch', 'r1', '--url', service.url);
  expect(code).toBe(1);
  expect(stdout).toMatch(/8 rows went wrong\.\n$/);
  expect(stdout).toContain(`Dashboard: ${service.url}/api/dashboard#run=r1\n`);
  expect(stdout).toContain('Each failed row: fanout failures r1 (--csv');
});

test('a failed run exits with 1 and lists its faults', async () => {
  const faults = [{ pointer: '/target/table', detail: 'There is no table "fan_city".' }];
  const failed = { ...sampleRun, state: 'failed', progress: null, faults };
  await using service = await startFakeService([json(200, failed), json(404, { title: 'No report' })]);
  const { stdout, code } = await fanout('watch', 'r1', '--url', service.url);
  expect(code).toBe(1);
  expect(stdout).toContain('/target/table: There is no table "fan_city".');
  expect(stdout).toMatch(/The run ended as failed\.\n$/);
});

test('show --json gives the report as the service does', async () => {
  await using service = await startFakeService([ended('completed'), json(200, sampleReport)]);
  const { stdout, code } = await fanout('show', 'r1', '--json', '--url', service.url);
  expect([JSON.parse(stdout), code]).toEqual([sampleReport, 0]);
});

test('redrive asks for a run over the rows that are left, and prints its id', async () => {
  await using service = await startFakeService([json(202, { runId: 'r2', links: sampleRun.links })]);
  const { stdout, code } = await fanout('redrive', 'r1', '--class', 'mapping', '--url', service.url);
  expect([stdout, code]).toEqual(['r2\n', 0]);
  expect(service.seen[0]).toMatchObject({ method: 'POST', path: '/api/runs/r1/redrive' });
  expect(JSON.parse(service.seen[0]?.body ?? '')).toEqual({ rows: { classes: ['mapping'] } });
});

test('failures prints the sheet as it comes', async () => {
  await using service = await startFakeService([json(200, 'row,why')]);
  expect(await fanout('failures', 'r1', '--csv', '--url', service.url)).toMatchObject({
    stdout: '"row,why"\n',
    code: 0,
  });
  expect(service.seen[0]?.path).toBe('/api/runs/r1/failures?format=csv');
});

test('a refused spec exits with 2 and tells every fault', async () => {
  const errors = [{ pointer: '/connection', detail: 'Connection "main" is not configured.' }];
  await using service = await startFakeService([json(400, { title: 'The run spec has 1 fault', errors })]);
  const { stderr, code } = await fanout('run', specFile, '--url', service.url);
  expect(code).toBe(2);
  expect(stderr).toBe(
    'The service answered 400: The run spec has 1 fault\n  /connection: Connection "main" is not configured.\n',
  );
});

test('a wrong command line exits with 2, a spec file that is not there or not JSON as well', async () => {
  const results = await Promise.all([fanout('walk'), fanout('run', 'nowhere.json'), fanout('run', program), fanout()]);
  expect(results.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
  expect(results.map(({ stdout }) => stdout)).toEqual(['', '', '', '']);
  expect(results[1].stderr).toBe('No run spec: nowhere.json does not exist.\n');
  expect(results[2].stderr).toContain('is not JSON');
  expect(results[3].stderr).toContain('fanout watch RUNID');
});

test('a service that cannot be reached exits with 3', async () => {
  const service = await startFakeService([accepted]);
  await service[Symbol.asyncDispose]();
  const { stderr, code } = await fanout('show', 'r1', '--url', service.url);
  expect(code).toBe(3);
  expect(stderr).toContain('does not answer');
});
