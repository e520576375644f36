import { afterAll, describe, expect, test } from 'vitest';
import { randomFrom, randomPlan } from './random-plan.ts';
import type { Plan } from './random-plan.ts';
import {
  DurableDriver,
  fixture,
  removeDirectory,
  startProgram,
  startTestHost,
  temporaryDirectory,
  until,
} from './support.ts';

const directories: string[] = [];
afterAll(() => directories.forEach(removeDirectory));

const seed = Number(process.env['FUNCTIONS_HOST_TEST_SEED'] ?? Date.now() % 1_000_000);
const keys = ['a', 'b', 'c'];

const plansFrom = (from: number, count: number): Plan[] => {
  const random = randomFrom(from);
  return Array.from({ length: count }, () => randomPlan(random));
};
const totalOf = (plans: readonly Plan[], key: string) =>
  plans.reduce((sum, plan) => sum + (plan.totals.get(key) ?? 0), 0);
const entityTotal = async (url: string, key: string): Promise<number> => {
  const response = await fetch(`${url}/runtime/webhooks/durabletask/entities/total/${key}`);
  return response.status === 404 ? 0 : ((await response.json()) as number);
};

const startedPerKill = 8;

const unfinishedRuns = async (url: string): Promise<number> => {
  const response = await fetch(`${url}/runtime/webhooks/durabletask/instances?runtimeStatus=Pending,Running&top=1000`);
  return ((await response.json()) as unknown[]).length;
};

/** Signals may still be under way when the last orchestration ends. */
const expectTotals = async (url: string, plans: readonly Plan[]) => {
  for (const key of keys) {
    await until(
      () => entityTotal(url, key),
      (total) => total === totalOf(plans, key),
    );
  }
};

describe(`generated orchestrations (seed ${seed})`, () => {
  test('come to the right value and leave the right entities', async () => {
    const plans = plansFrom(seed, 80);
    const host = await startTestHost('random');
    const durable = new DurableDriver(host.url);
    const ids = await Promise.all(plans.map((plan) => durable.start('interpret', { plan: plan.root })));
    const outputs = await Promise.all(ids.map(async (id) => (await durable.finish(id)).output));
    expect(outputs).toEqual(plans.map((plan) => plan.value));
    await expectTotals(host.url, plans);
    await host.close();
  });

  test('come to the same although the host is killed again and again', async () => {
    const plans = plansFrom(seed + 1, 64);
    const random = randomFrom(seed + 2);
    const data = temporaryDirectory();
    directories.push(data);
    const args = [fixture('random'), '--port', '0', '--data', data];
    let host = await startProgram(args);
    let cutShort = 0;
    for (let first = 0; first < plans.length; first += startedPerKill) {
      const driver = new DurableDriver(host.url);
      const group = plans.slice(first, first + startedPerKill);
      await Promise.all(group.map((plan, i) => driver.start('interpret', { plan: plan.root }, `run-${first + i}`)));
      const killAt = Date.now() + random() * 60;
      await until(
        async () => Date.now(),
        (now) => now >= killAt,
      );
      cutShort += await unfinishedRuns(host.url);
      await host.stop('SIGKILL');
      host = await startProgram(args);
    }
    // Otherwise the kills came too late to prove anything.
    expect(cutShort).toBeGreaterThan(0);
    const durable = new DurableDriver(host.url);
    const outputs = await Promise.all(plans.map(async (_, i) => (await durable.finish(`run-${i}`)).output));
    expect(outputs).toEqual(plans.map((plan) => plan.value));
    await expectTotals(host.url, plans);
    await host.stop('SIGTERM');
  });
});
