import { beforeEach, describe, expect, test } from 'vitest';
import { actionTypes } from '../../src/durable/actions.ts';
import type { Action } from '../../src/durable/actions.ts';
import type { HistoryEvent } from '../../src/durable/history.ts';
import {
  activity,
  all,
  any,
  completed,
  continueAsNew,
  Execution,
  failed,
  fired,
  raised,
  resumed,
  summary,
  suspended,
  terminated,
  timer,
  waitFor,
} from './execution.ts';

let run: Execution;
beforeEach(() => (run = new Execution()));

describe('numbering and waiting', () => {
  test('only the first unfinished action is carried out, and only once', () => {
    const actions = [activity(), activity()];
    expect(summary(run.turn([], { actions: actions.slice(0, 1) }).decisions)).toEqual(['task 0']);
    expect(summary(run.turn([raised('other')], { actions: actions.slice(0, 1) }).decisions)).toEqual([]);
    expect(summary(run.turn([completed(0)], { actions }).decisions)).toEqual(['task 1']);
  });

  test('nested groups are numbered depth first', () => {
    const { decisions } = run.turn([], { actions: [all(activity(), any(timer(run.nowMs), activity()), activity())] });
    expect(summary(decisions)).toEqual(['task 0', 'timer 1', 'task 2', 'task 3']);
  });

  test('a wave ends for the host only when its slowest member does, even after a failure', () => {
    const wave = all(activity(), activity());
    run.turn([], { actions: [wave] });
    expect(summary(run.turn([failed(0)], { actions: [wave, activity('cleanup')] }).decisions)).toEqual([]);
    expect(summary(run.turn([completed(1)], { actions: [wave, activity('cleanup')] }).decisions)).toEqual(['task 2']);
  });

  test('an uncaught failure is reported only when the siblings have ended', () => {
    const state = { actions: [all(activity(), activity())], error: 'broken' };
    run.turn([], { actions: state.actions });
    expect(run.turn([failed(0)], state).completion).toBeUndefined();
    expect(run.turn([completed(1)], state).completion).toMatchObject({
      status: 'Failed',
      output: "Orchestrator function 'flow' failed: broken",
    });
  });

  test('a finished orchestrator keeps running while a timer is open', () => {
    const state = { actions: [any(activity(), timer(run.nowMs + 1000))], isDone: true, output: 7 };
    run.turn([], { actions: state.actions });
    expect(run.turn([completed(0)], state).completion).toBeUndefined();
    expect(run.turn([fired(1)], state).completion).toEqual({ status: 'Completed', output: '7' });
  });

  test('a cancelled timer keeps its number but is not waited for', () => {
    run.turn([], { actions: [any(activity(), timer(run.nowMs + 1000))] });
    const cancelled = [any(activity(), timer(run.nowMs + 1000, true))];
    expect(run.turn([completed(0)], { actions: cancelled, isDone: true }).completion).toMatchObject({
      status: 'Completed',
    });
  });

  test('a distant timer is a chain of three-day steps', () => {
    const day = 24 * 3_600_000;
    const actions = [timer(run.nowMs + 7 * day)];
    const steps: number[] = [];
    let result = run.turn([], { actions });
    for (let id = 0; result.decisions.length > 0; id++) {
      const [decision] = result.decisions;
      if (decision?.kind !== 'timer') throw new Error('expected a timer');
      steps.push((decision.fireAtMs - run.nowMs) / day);
      run.nowMs = decision.fireAtMs;
      result = run.turn([fired(id)], { actions, isDone: true });
    }
    expect(steps).toEqual([3, 3, 1]);
    expect(result.completion).toMatchObject({ status: 'Completed' });
  });
});

describe('retries', () => {
  const retryOptions = {
    firstRetryIntervalInMilliseconds: 100,
    maxNumberOfAttempts: 3,
    backoffCoefficient: 3,
    maxRetryIntervalInMilliseconds: 200,
  };
  const action: Action = { actionType: actionTypes.callActivityWithRetry, functionName: 'work', retryOptions };

  test('each failure is followed by a timer, the last one by a timer that is due at once', () => {
    const delays: number[] = [];
    run.turn([], { actions: [action] });
    for (let attempt = 0; attempt < 3; attempt++) {
      const [decision] = run.turn([failed(attempt * 2)], { actions: [action] }).decisions;
      if (decision?.kind !== 'timer') throw new Error('expected a timer');
      delays.push(decision.fireAtMs - run.nowMs);
      run.turn([fired(attempt * 2 + 1)], { actions: [action] });
    }
    expect(delays).toEqual([100, 200, 0]);
    expect(run.turn([], { actions: [action], error: 'spent' }).completion).toMatchObject({ status: 'Failed' });
  });

  test('an expired retry timeout is refused by name, since Azure would hang', () => {
    const timed: Action = { ...action, retryOptions: { ...retryOptions, retryTimeoutInMilliseconds: 50 } };
    run.turn([], { actions: [timed] });
    run.nowMs += 60;
    const { completion } = run.turn([failed(0)], { actions: [timed] });
    expect(completion).toMatchObject({
      status: 'Failed',
      output: expect.stringContaining('retryTimeoutInMilliseconds = 50'),
    });
  });
});

describe('external events', () => {
  test('of several waits for one name the latest is served first', () => {
    const waits = [any(waitFor('E'), activity()), all(waitFor('E'), activity('inner'))];
    run.turn([], { actions: waits.slice(0, 1) });
    run.turn([completed(0)], { actions: waits });
    run.turn([raised('E')], { actions: waits });
    // The inner group has its event now, so it ends with its activity.
    expect(summary(run.turn([completed(1)], { actions: [...waits, activity('next')] }).decisions)).toEqual(['task 2']);
  });

  test('an event that nobody waits for yet is kept', () => {
    run.turn([raised('E')], { actions: [activity()] });
    expect(summary(run.turn([completed(0)], { actions: [activity(), waitFor('E'), activity()] }).decisions)).toEqual([
      'task 1',
    ]);
  });

  test('events that arrive after continue-as-new go to the next execution', () => {
    const actions = [any(waitFor('go'), activity()), continueAsNew({ n: 2 })];
    run.turn([], { actions: actions.slice(0, 1) });
    const { completion } = run.turn([raised('go'), raised('late'), completed(0)], { actions, isDone: true });
    expect(completion).toMatchObject({ status: 'ContinuedAsNew', input: '{"n":2}', carriedOver: [{ Name: 'late' }] });
  });
});

describe('suspension and termination', () => {
  test('nothing is decided while suspended; what arrived meanwhile counts on resume', () => {
    const actions = [activity(), activity()];
    run.turn([], { actions: actions.slice(0, 1) });
    expect(run.turn([suspended, completed(0)], { actions })).toMatchObject({ decisions: [], suspended: true });
    expect(summary(run.turn([resumed], { actions }).decisions)).toEqual(['task 1']);
  });

  test('termination ends the run whatever is open, even while suspended', () => {
    run.turn([suspended], { actions: [activity()] });
    expect(run.turn([terminated], { actions: [activity()] })).toMatchObject({
      decisions: [],
      completion: { status: 'Terminated', output: 'stop' },
    });
  });
});

describe('durable entities', () => {
  const call: Action = { actionType: actionTypes.callEntity, instanceId: '@counter@k', operation: 'add', input: 5 };
  const lockSet = [
    { name: 'Counter', key: 'a' },
    { name: 'Counter', key: 'b' },
  ];
  const lock: Action = { actionType: actionTypes.lockEntities, lockSet, lockRequestId: 'L' };

  test('a call waits for the reply named by the request id of its history', () => {
    const [sent] = run.turn([], { actions: [call] }).decisions;
    expect(sent).toMatchObject({ kind: 'message', instanceId: '@counter@k', name: 'op' });
    const { id, op, input, parent } = JSON.parse(sent?.kind === 'message' ? sent.input : '') as Record<string, unknown>;
    expect({ op, input, parent }).toEqual({ op: 'add', input: '5', parent: 'i' });
    expect(summary(run.turn([raised(String(id))], { actions: [call, activity()] }).decisions)).toEqual(['task 1']);
  });

  test('locks go to the first entity, and a run that ends with them releases each', () => {
    const [request] = run.turn([], { actions: [lock] }).decisions;
    expect(request).toMatchObject({ instanceId: '@counter@a', name: 'op' });
    const { decisions, completion } = run.turn([raised('L')], { actions: [lock], isDone: true });
    expect(decisions).toMatchObject([
      { instanceId: '@counter@a', name: 'release', id: 1 },
      { instanceId: '@counter@b', name: 'release', id: 2 },
    ]);
    expect(completion).toMatchObject({ status: 'Completed' });
  });
});

describe('what cannot go on', () => {
  test.each([
    ['another activity', [activity('other')]],
    ['a timer', [timer(0)]],
    ['nothing', []],
  ])('a history with an activity where the orchestrator now schedules %s is refused', (_, actions) => {
    run.turn([], { actions: [activity()] });
    const { completion } = run.turn([completed(0)], { actions });
    expect(completion).toMatchObject({
      status: 'Failed',
      output: expect.stringContaining('Non-Deterministic workflow detected'),
    });
  });

  test('an unknown function fails the run although siblings are open', () => {
    const { completion } = run.turn([], { actions: [all(activity(), activity('missing'))] });
    expect(completion).toMatchObject({
      status: 'Failed',
      output: "Orchestrator function 'flow' failed: no function 'missing'",
    });
  });

  test('more actions than host.json allows fail the run', () => {
    const { completion } = run.turn([], { actions: [all(...Array.from({ length: 1001 }, () => activity()))] });
    expect(completion).toMatchObject({ output: expect.stringContaining('more than 1000 actions') });
  });
});

test('sub-orchestrations without an id are named after execution and number', () => {
  const child: Action = { actionType: actionTypes.callSubOrchestrator, functionName: 'child', input: { a: 1 } };
  const { decisions } = run.turn([], { actions: [activity(), child] });
  expect(summary(decisions)).toEqual(['task 0']);
  const next = run.turn([completed(0)], { actions: [activity(), child] });
  expect(next.decisions).toMatchObject([{ kind: 'child', instanceId: 'e:1', input: '{"a":1}' }]);
});

test('an HTTP call answered with 202 and a location is polled with GET after a timer', () => {
  const httpRequest = {
    method: 'POST',
    uri: 'http://h/a',
    content: 'x',
    headers: { 'x-functions-key': 'k', accept: 'b' },
  };
  const actions: Action[] = [{ actionType: actionTypes.callHttp, httpRequest }];
  run.turn([], { actions });
  const answer = { statusCode: 202, headers: { Location: '/status', 'Retry-After': '5' }, content: '' };
  expect(run.turn([completed(0, answer)], { actions }).decisions).toMatchObject([
    { kind: 'timer', id: 1, fireAtMs: run.nowMs + 5000 },
  ]);
  const [poll] = run.turn([fired(1)], { actions }).decisions;
  expect(JSON.parse(poll?.kind === 'task' ? (poll.input ?? '') : '')).toEqual({
    method: 'GET',
    uri: 'http://h/status',
    content: null,
    headers: { accept: 'b' },
  });
});

test('replay costs grow with the history, not with its square', () => {
  const readsFor = (waves: number) => {
    const execution = new Execution();
    const actions = Array.from({ length: waves }, () => all(...Array.from({ length: 10 }, () => activity())));
    for (let wave = 0; wave < waves; wave++) {
      const ended = wave === 0 ? [] : Array.from({ length: 10 }, (_, i) => completed((wave - 1) * 10 + i));
      execution.turn(ended, { actions: actions.slice(0, wave + 1) });
    }
    let reads = 0;
    const count = (target: HistoryEvent, key: PropertyKey): unknown => {
      reads++;
      return Reflect.get(target, key);
    };
    execution.history.splice(0, Infinity, ...execution.history.map((event) => new Proxy(event, { get: count })));
    execution.replay({ isDone: false, actions: [actions] });
    return reads;
  };
  expect(readsFor(80) / readsFor(40)).toBeLessThan(2.2);
});
