import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createVirtualClock } from 'functions-host';
import type { ActivityFault, Faults } from 'functions-host';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DurableDriver, removeDirectory, startTestHost, temporaryDirectory } from './support.ts';
import type { TestHost } from './support.ts';

let host: TestHost;
let dataDir: string;
beforeEach(() => {
  dataDir = temporaryDirectory();
});
afterEach(async () => {
  await host.close();
  removeDirectory(dataDir);
});

const startWith = async (faults: Faults): Promise<DurableDriver> => {
  host = await startTestHost('durable', { dataDir, clock: createVirtualClock({ skipWhenIdle: true }), faults });
  return new DurableDriver(host.url);
};

const reportsOf = async (durable: DurableDriver, id: string) => {
  const { historyEvents = [] } = await durable.status(id, 'showHistory=true&showHistoryOutput=true');
  return historyEvents.filter((event) => event['EventType'] === 'TaskCompleted');
};

const minutesBetween = (event: Record<string, unknown>): number =>
  (Date.parse(String(event['Timestamp'])) - Date.parse(String(event['ScheduledTime']))) / 60_000;

test.each<[string, ActivityFault]>([
  ['starts', { startDelayMs: 3_600_000 }],
  ['reports', { resultDelayMs: 3_600_000 }],
])('an activity that %s an hour late costs virtual time only', async (_, fault) => {
  const durable = await startWith({ activity: ({ name }) => (name === 'hello' ? fault : undefined) });
  const { instanceId, output } = await durable.run('greet');
  expect(output).toEqual(['Hello Tokyo', 'Hello Seattle', 'Hello London']);
  expect((await reportsOf(durable, instanceId)).map(minutesBetween)).toEqual([60, 60, 60]);
});

test('a repeated activity runs and reports again, and its first report counts', async () => {
  const durable = await startWith({ activity: ({ taskId }) => (taskId === 0 ? { duplicates: 2 } : undefined) });
  const { instanceId, output } = await durable.run('draws');
  const results = (await reportsOf(durable, instanceId)).map((event) => event['Result']);
  expect(results).toHaveLength(4);
  expect(output).toEqual([results[0], results[3]]);
  expect(new Set(results).size).toBe(4);
});

test('with forced replay every event is a turn of its own', async () => {
  const durable = await startWith({ replayEveryStep: true });
  const { instanceId, output } = await durable.run('fanOut', { width: 20, waves: 2 });
  expect(output).toBe(2 * 190 + 20);
  await host.close();
  const database = new DatabaseSync(join(dataDir, 'durable.sqlite'), { readOnly: true });
  const turns = database.prepare('SELECT count(*) AS count FROM history WHERE instanceId = ?').get(instanceId);
  database.close();
  expect(turns).toEqual({ count: 1 + 2 * 20 });
});

test.each([
  [true, 'Failed', /the orchestrator is not deterministic: run twice over the same history/u],
  [false, 'Completed', /^drew/u],
])('an orchestrator that draws a number itself: with forced replay %s it ends as %s', async (forced, status, says) => {
  const durable = await startWith({ replayEveryStep: forced });
  const ended = await durable.run('chance');
  expect(ended).toMatchObject({ runtimeStatus: status, output: expect.stringMatching(says) });
});
