import { parse } from 'csv-parse/sync';
import type { BulkRunInput } from '../../../src/plan/payloads.ts';
import type { Lineage } from '../../../src/plan/lineage.ts';
import type { Report } from '../../../src/plan/report.ts';
import { checkInvariants, type Commit, type ExpectedRow } from '../check-invariants.ts';
import { createRandom } from '../random.ts';
import { driveRun, type Driver } from './driver.ts';
import { Hosts } from './hosts.ts';
import { createScenario, idOf, type Scenario } from './scenario.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';
import { createWorld, type World } from './world.ts';

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly state: string;
  readonly kills: number;
  readonly requests: number;
  readonly recovered: number;
  readonly scenario: string;
}

const startMs = Date.parse('2026-01-01T00:00:00.000Z');
const frozenAtMostMs = 900_000;
const limitMs = 4 * 3_600_000;
const runId = 'chaos';

/** One run under the faults of a seed, then a redrive of what it left without faults; everything is checked after each. */
export async function runSeed(seed: number): Promise<SeedResult> {
  const random = createRandom(seed);
  const scenario = createScenario(random.fork('scenario'));
  const clock = createVirtualClock(startMs);
  const hosts = new Hosts(clock, random.fork('hosts'), scenario.hostFaults, scenario.mostHostFaults);
  const world = await createWorld({ scenario, clock, hosts, random, seed });
  const summary = `${scenario.kind}, ${scenario.rows.length} rows, ${scenario.rules.map(({ kind }) => kind).join(' ')}`;
  try {
    seedTable(world, scenario);
    for (const rule of scenario.rules) world.emulator.faults.add(rule);
    const driver = { clock, hosts, random: random.fork('driver'), activities: world.activities, twins: scenario.twins };
    const began = world.emulator.journal.lastSequence;
    await world.ledger.accept({ runId, spec: scenario.spec, pin: world.pin, createdAt: iso(clock) });
    await clock.run(perform(driver, world, scenario, clock), limitMs);
    const report = reportOf(world, runId);
    const violations = [
      ...check(world, scenario, report, began),
      ...(await closeAgain(world, driver, scenario, clock)),
    ];
    hosts.heal();
    world.emulator.faults.clear();
    // Whatever is still on its way comes now, and changes nothing that was reported.
    await clock.run(clock.sleep(frozenAtMostMs), limitMs * 2);
    violations.push(...check(world, scenario, report, began).map((text) => `later, ${text}`));
    if (violations.length === 0) violations.push(...(await redrive(world, scenario, driver, clock)));
    const { requests, recovered, state } = report;
    return { seed, violations, state, kills: hosts.kills, requests, recovered, scenario: summary };
  } catch (error) {
    const violations = [`I10: ${error instanceof Error ? error.message : String(error)}`];
    return { seed, violations, state: 'broken', kills: hosts.kills, requests: 0, recovered: 0, scenario: summary };
  } finally {
    await world.close();
  }
}

const iso = (clock: VirtualClock): string => new Date(clock.now()).toISOString();

function reportOf({ ledger }: World, id: string): Report {
  const { report } = ledger.run(id);
  if (report === undefined) throw new Error('The run has ended and left no report.');
  return report;
}

const bounds = { maxLanes: 8, settleSeconds: 360 };

/** The run, with a cancel on its way and a loss of its orchestration, where the scenario has them. */
async function perform(
  driver: Omit<Driver, 'cancelled'>,
  world: World,
  scenario: Scenario,
  clock: VirtualClock,
): Promise<void> {
  const input: BulkRunInput = { runId, spec: scenario.spec, bounds };
  const { cancelAtSeconds, loseAtSeconds } = scenario;
  const cancelled =
    cancelAtSeconds === undefined
      ? new Promise<void>(() => undefined)
      : clock.sleep(cancelAtSeconds * 1_000).then(async () => world.ledger.cancel(runId));
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
  if (world.ledger.run(runId).report === undefined)
    await driveRun({ ...driver, cancelled }, { ...input, resume: true });
}

/** I15: closing twice leaves the same report. */
async function closeAgain(
  world: World,
  driver: Omit<Driver, 'cancelled'>,
  { spec }: Scenario,
  clock: VirtualClock,
): Promise<string[]> {
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

/** Rows with these keys and a name of their own are there before the run. */
function seedTable({ emulator }: World, { before }: Scenario): void {
  const store = emulator.database.table('fan_city');
  if (store === undefined) throw new Error('The emulator has no table fan_city.');
  const transaction = emulator.database.begin();
  const { columnsByName, columns } = store.model;
  for (const key of before) {
    const values = columns.map(() => null) as (string | number | null)[];
    const set = (name: string, value: string | number): void => {
      const column = columnsByName.get(name);
      if (column !== undefined) values[column.ordinal] = value;
    };
    set('fan_geonameid', key);
    set('fan_name', `Before ${key}`);
    set('createdon', '2025-01-01T00:00:00Z');
    set('modifiedon', '2025-01-01T00:00:00Z');
    transaction.insert(store, idOf(key), values);
  }
  transaction.commit({ requestId: 'seed', user: 'seed', atMs: startMs });
}

interface ServerRow {
  readonly id: string;
  readonly key: string;
  readonly value: string;
}

function serverRows({ emulator }: World): ServerRow[] {
  const store = emulator.database.table('fan_city');
  if (store === undefined) return [];
  const ordinal = (name: string): number => store.model.columnsByName.get(name)?.ordinal ?? -1;
  const textOf = (value: unknown): string =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  return [...store.rows()].map(({ id, values }) => ({
    id,
    key: textOf(values[ordinal('fan_geonameid')]),
    value: textOf(values[ordinal('fan_name')]),
  }));
}

/** Commits behind a point of the journal, by the key of their row. */
function commitsAfter(world: World, after: number, { before }: Scenario): Commit[] {
  const keyOfId = new Map([
    ...before.map((key) => [idOf(key), String(key)] as const),
    ...serverRows(world).map(({ id, key }) => [id, key] as const),
  ]);
  return world.emulator.journal
    .entriesAfter(after, 1_000_000)
    .map(({ operation, rowId }) => ({ operation, key: keyOfId.get(rowId) ?? rowId }));
}

function check(world: World, scenario: Scenario, report: Report, after: number): string[] {
  const input = expectedRows(scenario);
  return [
    ...checkInvariants({
      operation: scenario.spec.target.operation,
      input,
      bytes: scenario.csv,
      parts: [...world.ledger.run(runId).parts.values()].toSorted((left, right) => left.firstRow - right.firstRow),
      report,
      before: new Set(scenario.before.map(String)),
      commits: commitsAfter(world, after, scenario),
      after: new Map(serverRows(world).map(({ key, value }) => [key, value])),
      readsBlocked: false,
    }),
  ];
}

/** The input as csv-parse reads it; places are the generator's own. */
function expectedRows({ csv, rows }: Scenario): ExpectedRow[] {
  const records = parse<Record<string, string>>(csv, { columns: true });
  if (records.length !== rows.length) throw new Error('csv-parse reads another number of rows.');
  return records.map((record, at) => ({
    row: at + 1,
    key: record['fan_geonameid'] ?? '',
    value: record['fan_name'] ?? '',
    from: rows[at]?.from ?? 0,
    to: rows[at]?.to ?? 0,
  }));
}

/** I16: a redrive without faults sends the rows that were left, and no other. */
async function redrive(
  world: World,
  scenario: Scenario,
  driver: Omit<Driver, 'cancelled'>,
  clock: VirtualClock,
): Promise<string[]> {
  if (reportOf(world, runId).proof === null) return [];
  const left = leftRows(world, scenario);
  const lineage: Lineage = {
    kind: 'redrive',
    of: runId,
    root: runId,
    edited: false,
    selection: { outcomes: ['rejected', 'unknown', 'notAttempted'] },
  };
  const again = 'again';
  await world.ledger.accept({ runId: again, spec: scenario.spec, pin: world.pin, createdAt: iso(clock), lineage });
  const began = world.emulator.journal.lastSequence;
  const cancelled = new Promise<void>(() => undefined);
  const input: BulkRunInput = { runId: again, spec: scenario.spec, bounds, spool: true };
  await clock.run(driveRun({ ...driver, cancelled }, input), limitMs * 2);
  const report = reportOf(world, again);
  const keys = new Set(left.map(({ key }) => String(key)));
  const strangers = commitsAfter(world, began, scenario).filter(({ key }) => !keys.has(key));
  const violations = strangers.map(({ key }) => `I16: the redrive wrote ${key}, which was done`);
  if (report.rowsTotal !== left.length)
    violations.push(`I16: ${report.rowsTotal ?? 0} rows are redriven, ${left.length} were left`);
  if (report.state !== 'completed')
    violations.push(`I10: the redrive ended as ${report.state}: ${report.reason ?? ''}`);
  return violations;
}

function leftRows({ ledger }: World, { rows }: Scenario) {
  const done = new Set<number>();
  for (const { firstRow, rowCount, exceptions } of ledger.run(runId).parts.values()) {
    for (let row = firstRow; row < firstRow + rowCount; row += 1) done.add(row);
    for (const { row, outcome, reason } of exceptions) {
      const isLeft = outcome === 'rejected' || outcome === 'unknown' || outcome === 'notAttempted';
      if (isLeft && reason !== 'superseded') done.delete(row);
    }
  }
  return rows.filter(({ row }) => !done.has(row));
}
