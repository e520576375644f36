import type { Lineage } from '../../../src/plan/lineage.ts';
import type { BulkRunInput } from '../../../src/plan/payloads.ts';
import type { RunSpec } from '../../../src/plan/run-spec.ts';
import { driveRun, type Driver } from './driver.ts';
import { reportOf } from './evidence.ts';
import type { Scenario } from './scenario.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { World } from './world.ts';

export interface Stage {
  readonly world: World;
  readonly scenario: Scenario;
  readonly driver: Omit<Driver, 'cancelled'>;
  readonly clock: VirtualClock;
}

export interface Performed {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly lineage?: Lineage;
}

const bounds = { maxLanes: 8, settleSeconds: 360 };
export const limitMs = 4 * 3_600_000;
const never = new Promise<void>(() => undefined);

export const iso = (clock: VirtualClock): string => new Date(clock.now()).toISOString();

async function accept({ world, clock }: Stage, { runId, spec, lineage }: Performed): Promise<BulkRunInput> {
  const { pin } = world;
  await world.ledger.accept({ runId, spec, pin, createdAt: iso(clock), ...(lineage === undefined ? {} : { lineage }) });
  return { runId, spec, bounds, ...(lineage === undefined ? {} : { spool: true as const }) };
}

/** A run in peace. */
export async function performCalmly(stage: Stage, performed: Performed): Promise<void> {
  const input = await accept(stage, performed);
  const driver = { ...stage.driver, twins: 0, cancelled: never };
  await stage.clock.run(driveRun(driver, input), limitMs * 2);
}

/** The run, with a cancel on its way and a loss of its orchestration, where the scenario has them; when it was cancelled, if it was. */
export async function perform(stage: Stage, performed: Performed): Promise<number | undefined> {
  const input = await accept(stage, performed);
  const beganMs = stage.clock.now();
  await stage.clock.run(performThrough(stage, input), limitMs);
  const { cancelAtSeconds } = stage.scenario;
  return cancelAtSeconds === undefined ? undefined : beganMs + cancelAtSeconds * 1_000;
}

async function performThrough({ world, scenario, driver, clock }: Stage, input: BulkRunInput): Promise<void> {
  const { cancelAtSeconds, loseAtSeconds } = scenario;
  const cancelled =
    cancelAtSeconds === undefined
      ? never
      : clock.sleep(cancelAtSeconds * 1_000).then(async () => world.ledger.cancel(input.runId));
  const instance = { isLost: false };
  const first = driveRun({ ...driver, cancelled, instance }, input);
  if (loseAtSeconds === undefined) {
    await first;
    return;
  }
  const hasEnded = await Promise.race([first.then(() => true), clock.sleep(loseAtSeconds * 1_000).then(() => false)]);
  if (hasEnded) return;
  // The instance is gone; what it had scheduled may still be at work.
  instance.isLost = true;
  driver.hosts.kill();
  if (world.ledger.run(input.runId).report === undefined)
    await driveRun({ ...driver, cancelled }, { ...input, resume: true });
}

/** I15: closing twice leaves the same report. */
export async function closeAgain({ world, driver, clock }: Stage, { runId, spec }: Performed): Promise<string[]> {
  const before = JSON.stringify(reportOf(world, runId));
  const closing = {
    runId,
    spec,
    ending: { state: 'completed' },
    faults: [],
    startedAt: iso(clock),
    requests: 0,
    throttled: 0,
  };
  driver.hosts.heal();
  const close = world.activities['closeRun'];
  if (close === undefined) throw new Error('closeRun is not there.');
  await clock.run(close(driver.hosts.current, closing), limitMs);
  return JSON.stringify(reportOf(world, runId)) === before ? [] : ['I15: closing again changed the report'];
}
