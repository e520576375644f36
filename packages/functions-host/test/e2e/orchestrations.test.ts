import { createVirtualClock } from 'functions-host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DurableDriver, startTestHost, until } from './support.ts';
import type { TestHost } from './support.ts';

let host: TestHost;
let durable: DurableDriver;

beforeAll(async () => {
  host = await startTestHost('durable', { clock: createVirtualClock({ skipWhenIdle: true }) });
  durable = new DurableDriver(host.url);
});
afterAll(() => host.close());

describe('orchestrations with activities', () => {
  test('a chain of activities hands each result to the next', async () => {
    expect(await durable.run('greet')).toMatchObject({
      runtimeStatus: 'Completed',
      output: ['Hello Tokyo', 'Hello Seattle', 'Hello London'],
    });
    expect(await durable.run('chain', { start: 1, steps: 20 })).toMatchObject({
      input: { start: 1, steps: 20 },
      output: 21,
    });
  });

  test('waves of activities fan out and in', async () => {
    expect((await durable.run('fanOut', { width: 200, waves: 3 })).output).toBe(3 * 19_900 + 200 * 3);
  });

  test('inputs reach activities as they do in Azure, booleans as text included', async () => {
    expect((await durable.run('echoes')).output).toEqual([
      'nothing',
      'nothing',
      { type: 'string', input: 'text' },
      { type: 'string', input: '5' },
      { type: 'number', input: 7 },
      { type: 'number', input: 1.5 },
      { type: 'string', input: 'True' },
      { type: 'object', input: { a: [1, null] } },
      { type: 'object', input: [1, 2] },
    ]);
  });

  test('sub-orchestrations run side by side', async () => {
    expect((await durable.run('parent', { children: 10 })).output).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test('continue-as-new keeps the instance and starts a new history', async () => {
    const status = await durable.run('eternal', { round: 1, rounds: 30, sum: 0 });
    expect(status.output).toEqual({ sum: 465, instanceId: status.instanceId });
    const { historyEvents = [] } = await durable.status(status.instanceId, 'showHistory=true');
    expect(historyEvents.map((event) => event['EventType'])).toEqual([
      'ExecutionStarted',
      'TaskCompleted',
      'ExecutionCompleted',
    ]);
  });
});

describe('failures', () => {
  test('an uncaught activity failure fails the orchestration with both names', async () => {
    const { runtimeStatus, output } = await durable.run('failing', { message: 'bad luck' });
    expect(runtimeStatus).toBe('Failed');
    expect(output).toMatch(/^Orchestrator function 'failing' failed: Activity function 'boom' failed: bad luck \n /u);
  });

  test('an orchestrator can catch an activity failure and a failure of its child', async () => {
    expect((await durable.run('catching')).output).toMatch(/^Activity function 'boom' failed: no luck \n /u);
    expect((await durable.run('catchingParent')).output).toMatch(
      /^Orchestrator function 'failing' failed: Activity function 'boom' failed: child broke [\s\S]* \n Message: Orchestrator function/u,
    );
  });

  test('retries wait between attempts, longer each time, and give up after the last', async () => {
    expect((await durable.run('retrying', { times: 2, attempts: 3 })).output).toBe('attempt 3 succeeded');
    const given = await durable.run('retrying', { times: 9, attempts: 3 });
    expect(given.output).toMatch(
      /^Orchestrator function 'retrying' failed: Activity function 'failTimes' failed: attempt 3 failed/u,
    );
    const { historyEvents = [] } = await durable.status(given.instanceId, 'showHistory=true');
    const timers = historyEvents.filter((event) => event['EventType'] === 'TimerFired');
    expect(
      timers.map((timer) => Date.parse(String(timer['FireAt'])) - Date.parse(String(timer['ScheduledTime']))),
    ).toEqual([1000, 2000, 0]);
  });

  test('a failing sub-orchestration is retried under a new id', async () => {
    expect((await durable.run('retryingParent')).output).toBe('attempt 3 succeeded');
  });

  test('calling an unknown activity fails the run outside of user code', async () => {
    expect((await durable.run('unknownActivity')).output).toMatch(
      /^Orchestrator function 'unknownActivity' failed: The function 'missing' doesn't exist/u,
    );
  });

  test('yielding something that is no task fails the run with the reason', async () => {
    expect((await durable.run('yieldsNothing')).output).toMatch(
      /programming constraint violation: Orchestration yielded data of type undefined/u,
    );
  });

  test('an orchestrator that decides differently on replay ends as failed, not in a loop', async () => {
    expect((await durable.run('undecided')).output).toMatch(/Non-Deterministic workflow detected/u);
  });

  test('a custom status over 16 KB fails the run', async () => {
    expect((await durable.run('bigStatus')).output).toMatch(/the custom status takes 18004 bytes as UTF-16/u);
  });
});

describe('durable timers on a virtual clock', () => {
  test('a timer of 30 days is a chain of shorter ones and passes at once', async () => {
    const status = await durable.run('timer', { seconds: 30 * 24 * 3600 });
    expect(status.output).toBe(30 * 24 * 3600);
    const { historyEvents = [] } = await durable.status(status.instanceId, 'showHistory=true');
    expect(historyEvents.filter((event) => event['EventType'] === 'TimerFired')).toHaveLength(10);
  });

  test('a run does not end before a losing timer that nobody cancelled', async () => {
    const status = await durable.run('firstWins');
    expect(status.output).toBe('activity');
    const { historyEvents = [] } = await durable.status(status.instanceId, 'showHistory=true');
    expect(historyEvents.map((event) => event['EventType'])).toContain('TimerFired');
  });

  test('a timeout that wins against an event ends the wait', async () => {
    expect((await durable.run('approval')).output).toBe('too late');
  });
});

test('tasks yielded a second time in another combination run again, as in Azure', async () => {
  const status = await durable.run('reusedTask');
  const { historyEvents = [] } = await durable.status(status.instanceId, 'showHistory=true');
  expect(historyEvents.filter((event) => event['FunctionName'] === 'add').length).toBeGreaterThan(3);
});

test('a text given to continue-as-new comes back with quotes, as in Azure', async () => {
  expect((await durable.run('quotes', 'four')).output).toBe('"four"');
});

test('a custom status that is falsy is not taken, as in Azure', async () => {
  expect((await durable.run('fadingStatus')).customStatus).toBe('first');
});

test('a text named Timestamp in an input comes as a date, as in Azure', async () => {
  expect((await durable.run('stamps', { Timestamp: '2026-01-01T00:00:00Z' })).output).toBe('object');
});

test('an event that nobody waited for is gone after continue-as-new, as in Azure', async () => {
  const id = await durable.start('forgetful');
  await durable.client('raiseEvent', id, 'early', 1);
  await until(
    () => durable.status(id, 'showHistory=true'),
    ({ historyEvents = [] }) => historyEvents.some((event) => event['EventType'] === 'EventRaised'),
  );
  await durable.client('raiseEvent', id, 'go', 1);
  expect((await durable.finish(id)).output).toBe('lost');
});

test('an Error thrown by an entity reaches the caller as [object Object], as in Azure', async () => {
  expect((await durable.run('entityThrows')).output).toBe('[object Object]');
});

test('a child whose id is already running is not started, and the log says why its parent waits', async () => {
  const id = await durable.start('twins');
  await until(
    async () => host.log,
    (lines) => lines.some((line) => line.includes(`its instance id '${id}-twin' is already running`)),
  );
  expect((await durable.finish(`${id}-twin`)).output).toBe(4);
  expect((await durable.status(id)).runtimeStatus).toBe('Running');
});

test('an orchestrator calls HTTP through the host', async () => {
  const output = (await durable.run('callsHttp', { url: `${host.url}/api/nowhere` })).output;
  expect(output).toEqual({ statusCode: 404, content: '' });
});
