import { createHash } from 'node:crypto';
import { undoSpecOf } from '../../../src/plan/undo-spec.ts';
import { createRandom } from '../random.ts';
import { redrive, undoAgain, undoOf } from './aftermath.ts';
import { checkBounds } from './bounds.ts';
import { checkRun, checkUndo, reportOf, type Subject } from './evidence.ts';
import { familyOf } from './family.ts';
import { Hosts } from './hosts.ts';
import { createHubWatch } from './hub-watch.ts';
import { canary } from './input.ts';
import { closeAgain, limitMs, perform, performCalmly, type Stage } from './perform.ts';
import { createScenario, type Scenario } from './scenario.ts';
import { changeRows, seedTable, serverRows } from './table.ts';
import { createVirtualClock } from './virtual-clock.ts';
import { createWorld, type World } from './world.ts';

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly state: string;
  readonly kills: number;
  readonly requests: number;
  readonly recovered: number;
  readonly scenario: string;
  /** Of everything that was written, in order and with its time: the same seed gives the same. */
  readonly digest: string;
}

const startMs = Date.parse('2026-01-01T00:00:00.000Z');
const frozenAtMostMs = 900_000;
const runId = 'chaos';
const parentId = 'parent';

/** One run under the faults of a seed, then what was left is taken up again without faults; everything is checked after each. */
export async function runSeed(seed: number): Promise<SeedResult> {
  const random = createRandom(seed);
  const family = familyOf(seed);
  const scenario = createScenario(random.fork('scenario'), family);
  const clock = createVirtualClock(startMs);
  const hosts = new Hosts(clock, random.fork('hosts'), scenario.hostFaults);
  const strangers = new Set<string>();
  const onStranger = (origin: string): void => void strangers.add(origin);
  const world = await createWorld({ scenario, clock, hosts, random, seed, onStranger });
  const summary = `${family} ${scenario.kind}, ${scenario.rows.length} rows, ${scenario.rules.map(({ kind }) => kind).join(' ')}`;
  const result = { seed, scenario: summary };
  try {
    const watch = createHubWatch([canary, world.token]);
    const { activities } = world;
    const driver = { clock, hosts, random: random.fork('driver'), activities, twins: scenario.twins, watch };
    seedTable(world, scenario, startMs);
    const stage = { world, scenario, driver, clock };
    const violations = await (family === 'undo' && scenario.kind === 'create' ? playUndo : playRun)(stage);
    violations.push(...watch.violations(), ...[...strangers].map((origin) => `I12: ${origin} was connected to`));
    const { requests, recovered, state } = reportOf(world, runId);
    return { ...result, violations, state, kills: hosts.kills, requests, recovered, digest: digestOf(world) };
  } catch (error) {
    const violations = [`I10: ${error instanceof Error ? error.message : String(error)}`];
    return { ...result, violations, state: 'broken', kills: hosts.kills, requests: 0, recovered: 0, digest: '' };
  } finally {
    await world.close();
  }
}

async function playRun(stage: Stage): Promise<string[]> {
  const { world, scenario } = stage;
  const before = new Set(scenario.before.map(String));
  const subject = { runId, began: world.emulator.journal.lastSequence, before };
  const violations = await playUnderFaults(stage, subject, { runId, spec: scenario.spec }, checkRun);
  if (violations.length === 0) violations.push(...(await redrive(stage, runId)));
  return violations;
}

/** A create run in peace; somebody else changes some of its rows; then its undo under faults. */
async function playUndo(stage: Stage): Promise<string[]> {
  const { world, scenario, clock } = stage;
  await performCalmly(stage, { runId: parentId, spec: scenario.spec });
  const { state, reason } = reportOf(world, parentId);
  if (state !== 'completed') throw new Error(`The run to be undone ended as ${state}: ${reason ?? ''}`);
  await clock.run(clock.sleep(5_000), limitMs);
  const changed = changeRows(world, scenario, 7, clock.now());
  const before = new Set(serverRows(world, scenario).map(({ id }) => id));
  const subject = { runId, began: world.emulator.journal.lastSequence, before };
  const undo = { runId, spec: undoSpecOf(scenario.spec), lineage: undoOf(parentId) };
  const violations = await playUnderFaults(stage, subject, undo, checkUndo);
  if (violations.length === 0) violations.push(...(await undoAgain(stage, parentId, changed)));
  return violations;
}

type Check = (world: World, scenario: Scenario, subject: Subject) => readonly string[];

async function playUnderFaults(
  stage: Stage,
  subject: Subject,
  performed: Parameters<typeof perform>[1],
  check: Check,
): Promise<string[]> {
  const { world, scenario, driver, clock } = stage;
  for (const rule of scenario.rules) world.emulator.faults.add(rule);
  driver.hosts.arm(scenario.mostHostFaults);
  const beganMs = clock.now();
  const cancelledMs = await perform(stage, performed);
  const tookMs = clock.now() - beganMs;
  const violations = [...check(world, scenario, subject), ...(await closeAgain(stage, performed))];
  driver.hosts.heal();
  world.emulator.faults.clear();
  violations.push(...checkManners(stage, cancelledMs), ...checkBounds(world, scenario, subject.runId, tookMs));
  // Whatever is still on its way comes now, and changes nothing that was reported.
  await clock.run(clock.sleep(frozenAtMostMs), limitMs * 2);
  violations.push(...check(world, scenario, subject).map((text) => `later, ${text}`));
  return violations;
}

/** After this time behind a cancel nothing is begun. */
const cancelledWithinMs = 5_000;

/**
 * I11: an order to wait is kept, also by the host that comes after the one that heard it, and so is the recommended number; a cancel takes effect. A
 * frozen host hears of nothing, and one that is killed may have had no time to write down what it heard: then each lane may ask once.
 */
function checkManners({ world, driver, scenario }: Stage, cancelledMs = Infinity): string[] {
  const { emulator, writesAtMs } = world;
  const { strikes, kills } = driver.hosts;
  if (strikes > kills || driver.twins > 0 || scenario.rules.some(({ kind }) => kind === 'hint')) return [];
  const { earlyRetries, peakRunning } = emulator.counters();
  // Metadata is read by four requests at once before a row is sent.
  const { hint } = emulator.settings();
  const most = Math.max(4, typeof hint === 'number' ? hint : 4);
  const isEarly = earlyRetries > kills * most;
  const early = isEarly ? [`I11: ${earlyRetries} requests came before they were allowed to`] : [];
  if (kills > 0) return early;
  const late = Math.max(...writesAtMs) - cancelledMs;
  return [
    ...(late > cancelledWithinMs ? [`I10: something was sent ${late} ms after the cancel`] : []),
    ...early,
    ...(peakRunning > most ? [`I11: ${peakRunning} requests were in flight, ${most} are recommended`] : []),
  ];
}

/** I14. The ids of requests, by which people trace them, are random on purpose. */
const withoutRequestIds = (name: string, value: unknown): unknown => (name === 'serviceRequestId' ? undefined : value);

function digestOf({ emulator, ledger }: World): string {
  const journal = emulator.journal
    .entriesAfter(0, 1_000_000)
    .map(({ operation, rowId, atMs }) => [operation, rowId, atMs]);
  const runs = [...ledger.runs].map(([id, { parts, report }]) => [id, [...parts], report]);
  return createHash('sha256')
    .update(JSON.stringify([journal, runs], withoutRequestIds))
    .digest('hex');
}
