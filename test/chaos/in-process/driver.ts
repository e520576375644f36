import type { OrchestrationContext } from 'durable-functions';
import { governorOperations, names } from '../../../src/names.ts';
import { bulkRun } from '../../../src/orchestrators/bulk-run.ts';
import { idleGovernor, lease, release, type GovernorState, type LeaseRequest } from '../../../src/plan/governor.ts';
import type { BulkRunInput, BulkRunOutput } from '../../../src/plan/payloads.ts';
import type { Random } from '../random.ts';
import type { Host, Hosts } from './hosts.ts';
import type { HubWatch } from './hub-watch.ts';
import type { VirtualClock } from './virtual-clock.ts';

export type Activity = (host: Host, input: unknown) => Promise<unknown>;

export interface Driver {
  readonly clock: VirtualClock;
  readonly hosts: Hosts;
  readonly random: Random;
  readonly activities: Readonly<Record<string, Activity>>;
  /** Chance that an activity is delivered twice at once. */
  readonly twins: number;
  /** Settles when the run is cancelled. */
  readonly cancelled: Promise<void>;
  /** Sees what the task hub keeps. */
  readonly watch: HubWatch;
  /** Set when the task hub loses the orchestration: nothing is heard of it again. */
  readonly instance?: { isLost: boolean };
}

interface FakeTask {
  isCompleted: boolean;
  isFaulted: boolean;
  result: unknown;
  readonly done: Promise<unknown>;
  cancel: () => void;
}

function taskOf(done: Promise<unknown>): FakeTask {
  const task: FakeTask = { isCompleted: false, isFaulted: false, result: undefined, done, cancel: () => undefined };
  done.then(
    (result) => Object.assign(task, { isCompleted: true, result }),
    (error: unknown) => Object.assign(task, { isCompleted: true, isFaulted: true, result: error }),
  );
  return task;
}

/**
 * Runs `bulkRun` as Durable would, in one process: activities at least once (again when their host is lost, sometimes twice at a time), the
 * durable entity one call after the other, timers in virtual time. Histories are not replayed; test/replay does that.
 */
export async function driveRun(driver: Driver, input: BulkRunInput): Promise<BulkRunOutput> {
  const governor = { state: idleGovernor };
  for (let next: BulkRunInput | undefined = input; ;) {
    const generation: { continued?: BulkRunInput } = {};
    const output = await driveGeneration(driver, contextOf(driver, next, governor, generation));
    if (generation.continued === undefined) {
      driver.watch.leases(Object.keys(governor.state.leases));
      return output as BulkRunOutput;
    }
    next = generation.continued;
  }
}

async function driveGeneration({ instance }: Driver, context: OrchestrationContext): Promise<unknown> {
  const steps = bulkRun(context);
  let step = steps.next();
  while (step.done !== true) {
    const task = step.value as unknown as FakeTask;
    const settled = await task.done.then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    if (instance?.isLost === true) await new Promise<never>(() => undefined);
    step = 'error' in settled ? steps.throw(settled.error) : steps.next(settled.result);
  }
  return step.value;
}

function contextOf(
  driver: Driver,
  input: BulkRunInput,
  governor: { state: GovernorState },
  generation: { continued?: BulkRunInput },
): OrchestrationContext {
  const { clock } = driver;
  const df = {
    getInput: () => plain(input),
    get currentUtcDateTime() {
      return new Date(clock.now());
    },
    setCustomStatus: (status: unknown) => driver.watch.status(status),
    callActivity: (name: string, payload: unknown) => taskOf(deliver(driver, name, plain(payload))),
    callEntity: (_id: unknown, operation: string, payload: unknown) =>
      taskOf(Promise.resolve(callGovernor(clock, governor, operation, payload))),
    signalEntity: (_id: unknown, operation: string, payload: unknown) =>
      void callGovernor(clock, governor, operation, payload),
    createTimer: (fireAt: Date) => taskOf(clock.until(fireAt.getTime())),
    waitForExternalEvent: () => taskOf(driver.cancelled),
    continueAsNew: (next: BulkRunInput) => {
      generation.continued = plain(next);
    },
    Task: {
      // As Durable has them: `all` is over at the first failure, `any` gives a task that failed as it gives others.
      all: (tasks: readonly FakeTask[]) => taskOf(Promise.all(tasks.map(async ({ done }) => done))),
      any: (tasks: readonly FakeTask[]) => taskOf(Promise.race(tasks.map(ended))),
    },
  };
  return { df } as unknown as OrchestrationContext;
}

const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

async function ended(task: FakeTask): Promise<FakeTask> {
  await task.done.catch(() => undefined);
  return task;
}

function callGovernor(
  clock: VirtualClock,
  governor: { state: GovernorState },
  operation: string,
  payload: unknown,
): unknown {
  if (operation === governorOperations.release) {
    governor.state = release(governor.state, (payload as { readonly runId: string }).runId);
    return undefined;
  }
  const answer = lease(governor.state, payload as LeaseRequest, clock.now());
  governor.state = answer.state;
  return plain(answer.grant);
}

const lost = Symbol('lost');

/** Until one delivery answers; the answer of a host that was lost is not heard, though its work may go on. */
async function deliver(driver: Driver, name: string, payload: unknown): Promise<unknown> {
  const activity = driver.activities[name];
  if (activity === undefined || !(name in names)) throw new Error(`No activity is registered as ${name}.`);
  driver.watch.input(name, payload);
  for (;;) {
    const host = driver.hosts.current;
    const copies = driver.random.chance(driver.twins) ? 2 : 1;
    const running = Array.from({ length: copies }, async () => activity(host, plain(payload)).then(plainOrNothing));
    for (const copy of running) copy.catch(() => undefined);
    const first = await Promise.race([...running, host.lost.then(() => lost)]);
    if (first !== lost) {
      driver.watch.output(name, first);
      return first;
    }
    await driver.clock.sleep(1_000);
    if (driver.instance?.isLost === true) await new Promise<never>(() => undefined);
  }
}

const plainOrNothing = (value: unknown): unknown => (value === undefined ? undefined : plain(value));
