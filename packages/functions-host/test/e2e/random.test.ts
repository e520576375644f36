import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { randomFaults } from './random-faults.ts';
import { randomFrom, randomPlan } from './random-plan.ts';
import {
  DurableDriver,
  fixture,
  removeDirectory,
  startProgram,
  startScript,
  startTestHost,
  temporaryDirectory,
  until,
} from './support.ts';
import type { HostProcess } from './support.ts';

const directories: string[] = [];
afterAll(() => directories.forEach(removeDirectory));

const seed = Number(process.env['FUNCTIONS_HOST_TEST_SEED'] ?? Date.now() % 1_000_000);
const planCount = Number(process.env['FUNCTIONS_HOST_TEST_PLANS'] ?? 48);
const keys = ['a', 'b', 'c'];

const faultyProgram = fileURLToPath(new URL('faulty-program.ts', import.meta.url));

const random = randomFrom(seed);
const plans = Array.from({ length: planCount }, () => randomPlan(random));
const ids = plans.map((_, i) => `run-${i}`);
const expected = {
  values: plans.map((plan) => plan.value),
  totals: keys.map((key) => plans.reduce((sum, plan) => sum + (plan.totals.get(key) ?? 0), 0)),
};

/** Runs in flight together, and what is started between two kills. */
const groupSize = 100;
const startedPerKill = 8;

const start = async (url: string, first: number, count: number): Promise<void> => {
  const driver = new DurableDriver(url);
  const group = plans.slice(first, first + count);
  await Promise.all(group.map((plan, i) => driver.start('interpret', { plan: plan.root }, ids[first + i])));
};

const valuesOf = async (url: string, first = 0, count = ids.length): Promise<unknown[]> => {
  const driver = new DurableDriver(url);
  return await Promise.all(
    ids.slice(first, first + count).map(async (id) => {
      const { runtimeStatus, output } = await driver.finish(id);
      return runtimeStatus === 'Completed' ? output : `${runtimeStatus} ${String(output)}`;
    }),
  );
};

const entityTotal = async (url: string, key: string): Promise<number> => {
  const response = await fetch(`${url}/runtime/webhooks/durabletask/entities/total/${key}`);
  return response.status === 404 ? 0 : ((await response.json()) as number);
};

/** Signals may still be under way when the last orchestration ends. */
const totalsOf = (url: string): Promise<number[]> =>
  until(
    () => Promise.all(keys.map((key) => entityTotal(url, key))),
    (totals) => JSON.stringify(totals) === JSON.stringify(expected.totals),
  );

const unfinishedRuns = async (url: string): Promise<number> => {
  const response = await fetch(`${url}/runtime/webhooks/durabletask/instances?runtimeStatus=Pending,Running&top=1000`);
  return ((await response.json()) as unknown[]).length;
};

/** Starts everything, a few at a time, killing the host after each few. */
async function runWithKills(launch: (dataDir: string, round: number) => Promise<HostProcess>) {
  const data = temporaryDirectory();
  directories.push(data);
  const moments = randomFrom(seed + 1);
  let host = await launch(data, 0);
  let cutShort = 0;
  for (let first = 0; first < plans.length; first += startedPerKill) {
    await start(host.url, first, startedPerKill);
    const killAt = Date.now() + moments() * 60;
    await until(
      async () => Date.now(),
      (now) => now >= killAt,
    );
    cutShort += await unfinishedRuns(host.url);
    await host.stop('SIGKILL');
    host = await launch(data, first + 1);
  }
  const result = { values: await valuesOf(host.url), totals: await totalsOf(host.url) };
  await host.stop('SIGKILL');
  return { cutShort, result };
}

const patienceMs = 30_000 + planCount * 1_000;

describe(`${planCount} generated orchestrations (seed ${seed}) come to the expected values and entity totals`, () => {
  test.each([
    ['undisturbed', {}],
    ['replayed after every step, their activities late and repeated', randomFaults(seed + 2)],
  ])(
    '%s',
    async (_, faults) => {
      const host = await startTestHost('random', { faults });
      const values: unknown[] = [];
      for (let first = 0; first < plans.length; first += groupSize) {
        await start(host.url, first, groupSize);
        values.push(...(await valuesOf(host.url, first, groupSize)));
      }
      expect({ values, totals: await totalsOf(host.url) }).toEqual(expected);
      await host.close();
    },
    patienceMs,
  );

  test.each<[string, (dataDir: string, round: number) => Promise<HostProcess>]>([
    ['killed again and again', (data) => startProgram([fixture('random'), '--port', '0', '--data', data])],
    [
      'killed again and again, replayed after every step, their activities late and repeated',
      (data, round) => startScript(faultyProgram, [fixture('random'), data, String(seed + 3 + round)]),
    ],
  ])(
    '%s',
    async (_, launch) => {
      const { cutShort, result } = await runWithKills(launch);
      expect(result).toEqual(expected);
      // Otherwise the kills came too late to prove anything.
      expect(cutShort).toBeGreaterThan(0);
    },
    patienceMs,
  );
});
