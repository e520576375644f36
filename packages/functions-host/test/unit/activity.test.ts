import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../src/clock.ts';
import type { VirtualClock } from '../../src/clock.ts';
import { runActivity } from '../../src/durable/activity.ts';
import type { DurableHost } from '../../src/durable/durable-host.ts';
import { noTurnGuard } from '../../src/durable/turn-guard.ts';
import { openDatabase } from '../../src/store/database.ts';
import { parseHostJson } from '../../src/settings/host-json.ts';
import { Store } from '../../src/store/store.ts';
import { FunctionCatalog } from '../../src/worker/functions.ts';
import type { Invoke } from '../../src/worker/invoker.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const task = { id: 1, instanceId: 'i', executionId: 'e', taskId: 7, name: 'work', input: '"x"' };
const catalog = new FunctionCatalog([
  {
    name: 'work',
    kind: 'activity',
    triggerName: 'input',
    trigger: { type: 'activityTrigger', direction: 'in' },
    clientInputs: [],
    registered: { id: 'work', metadata: { name: 'work', bindings: {} }, callback: () => undefined },
  },
]);

let clock: VirtualClock;
beforeEach(() => (clock = createVirtualClock()));

const run = async (invoke: Invoke) => {
  const directory = mkdtempSync(join(tmpdir(), 'functions-host-activity-'));
  const store = new Store(openDatabase(directory));
  const log = () => undefined;
  const host: DurableHost = {
    store,
    invoke,
    catalog,
    clock,
    log,
    settings: parseHostJson({}).durable,
    functionTimeoutMs: 60_000,
    schemaVersion: 3,
    faults: {},
    guard: noTurnGuard,
    environment: {},
  };
  const event = await runActivity(host, task);
  store.close();
  rmSync(directory, { recursive: true });
  return event;
};

describe('an activity', () => {
  test.each([
    [{ string: 'text' }, '"text"'],
    [{ json: '{"a":1}' }, '{"a":1}'],
    [{ int: 5 }, '5'],
    [{ double: 1.5 }, '1.5'],
    [null, null],
  ])('that returns %j completes with %s', async (returnValue, Result) => {
    expect(await run(async () => ({ returnValue }))).toEqual({ EventType: 5, TaskScheduledId: 7, Result });
  });

  test('gets its input as it was scheduled, and the instance id beside it', async () => {
    const seen: unknown[] = [];
    await run(async ({ trigger, triggerMetadata }) => {
      seen.push(trigger, triggerMetadata);
      return {};
    });
    expect(seen).toEqual([{ string: '"x"' }, { instanceId: { string: 'i' } }]);
  });

  test('that outlasts the function timeout fails and is not waited for', async () => {
    const failed = await run(() => {
      setImmediate(() => clock.advance(60_000));
      return new Promise(() => undefined);
    });
    expect(failed).toMatchObject({
      EventType: 6,
      Reason: "Activity function 'work' failed: Timeout value of 60 s exceeded by function: Functions.work",
    });
  });

  test('fails with reason and details in text, which durable-functions insists on', async () => {
    const failed = await run(() => Promise.reject(new Error('no luck')));
    expect(failed).toMatchObject({ TaskScheduledId: 7, Reason: "Activity function 'work' failed: no luck" });
    expect(JSON.parse(failed.Details ?? '')).toMatchObject({ Message: 'no luck' });
    expect(failed.FailureDetails).toBeUndefined();
  });

  test('whose app describes its exceptions fails with structured details', async () => {
    const payload = {
      errorType: 'RangeError',
      errorMessage: 'too far',
      isNonRetriable: false,
      properties: { code: 7 },
    };
    const failed = await run(() => Promise.reject(new Error(JSON.stringify(payload))));
    expect(failed).toMatchObject({
      Reason: "Activity function 'work' failed: too far",
      FailureDetails: { ErrorType: 'RangeError', ErrorMessage: 'too far', Properties: { code: 7 } },
    });
  });
});
