import { specOf as parsedSpec } from '../../support/spec.ts';
import type { RunSpec } from '../../../src/plan/run-spec.ts';
import type { FaultRule, SettingsPatch } from 'dataverse-emulator';
import type { Random } from '../random.ts';
import type { Family } from './family.ts';
import type { HostFaults } from './hosts.ts';
import { createInput, type InputRow } from './input.ts';
import { rulesOf } from './rules.ts';

export type Kind = 'create' | 'createById' | 'upsert' | 'update' | 'delete';

/** Which table of the emulator a scenario plays on. */
export interface ScenarioTable {
  readonly name: string;
  readonly idColumn: string;
}

export interface Scenario {
  readonly family: Family;
  readonly kind: Kind;
  readonly table: ScenarioTable;
  readonly spec: RunSpec;
  readonly csv: Buffer;
  readonly rows: readonly InputRow[];
  /** Keys of rows that are there before the run. */
  readonly before: readonly number[];
  readonly settings: SettingsPatch;
  readonly rules: readonly FaultRule[];
  readonly hostFaults: HostFaults;
  readonly mostHostFaults: number;
  readonly twins: number;
  /** Virtual seconds after the start; absent: never. */
  readonly cancelAtSeconds?: number;
  /** The orchestration is lost then and the run resumed. */
  readonly loseAtSeconds?: number;
  readonly poison?: Poison;
  readonly outage?: Outage;
}

/** A row that kills the host, each time: before the request with it takes effect, behind that, or when its bytes are read. */
export interface Poison {
  readonly row: number;
  readonly at: 'send' | 'answer' | 'read';
}

/** Nothing reaches the environment, from so many virtual seconds after the start on. */
export interface Outage {
  readonly fromSeconds: number;
  readonly minutes: number;
}

const cities: ScenarioTable = { name: 'fan_city', idColumn: 'fan_cityid' };
export const elasticCities: ScenarioTable = { name: 'fan_elasticcity', idColumn: 'fan_elasticcityid' };

export function createScenario(random: Random, family: Family): Scenario {
  const table = family === 'elastic' ? elasticCities : cities;
  const kind = kindOf(random, family);
  const rowCount = random.between(1, 400);
  const repeats = kind === 'create' && family !== 'clash' ? 0 : random.pick([0, 0, 0.1]);
  const bad = random.pick([0, 0, 0.02, 0.2]);
  const bringsIds = kind === 'createById' || (family === 'elastic' && kind !== 'create');
  const { csv, rows } = createInput(random.fork('input'), {
    kind,
    ...(bringsIds ? { idColumn: table.idColumn } : {}),
    rowCount,
    repeats,
    bad,
  });
  const sharesBefore: Readonly<Record<Kind, number>> = {
    create: family === 'clash' ? 0.2 : 0,
    createById: 0,
    upsert: 0.3,
    update: 0.9,
    delete: 0.9,
  };
  const keys = [...new Set(rows.map(({ key }) => key))];
  return {
    family,
    kind,
    table,
    spec: specOf(table, kind, family, random),
    csv,
    rows,
    before: keys.filter(() => random.chance(sharesBefore[kind])),
    settings: {
      hint: random.between(1, 9),
      clockSkewSeconds: random.fork('skew').pick([0, 600, -600]),
      limits: { concurrency: random.pick([6, 100, 100]), retryAfter: { concurrencySeconds: random.between(1, 90) } },
      latency: { overheadMs: { bulk: random.between(50, 3_000), batch: 100, batchOperation: 15, read: 30 } },
      ...(family === 'elastic' ? { elasticReadLagMs: random.fork('lag').pick([0, 500, 5_000]) } : {}),
    },
    rules: rulesOf(random.fork('rules'), family),
    hostFaults: {
      kill: random.pick([0, 0.01, 0.05]),
      freeze: random.pick([0, 0.01, 0.03]),
      storage: random.pick([0, 0, 0.01]),
    },
    mostHostFaults: random.between(0, 12),
    twins: random.pick([0, 0, 0.3]),
    ...(random.chance(0.15) ? { cancelAtSeconds: random.between(0, 30) } : {}),
    ...(random.chance(0.15) ? { loseAtSeconds: random.between(1, 30) } : {}),
    ...(family === 'poison' ? { poison: poisonOf(random, kind, rowCount) } : {}),
    ...(family === 'outage' ? { outage: outageOf(random) } : {}),
  };
}

function poisonOf(random: Random, kind: Kind, rowCount: number): Poison {
  // Keys are read before a row is sent, and the row of a line in the failures file after.
  const at = random.pick(kind === 'create' ? (['send', 'answer', 'read'] as const) : (['send', 'answer'] as const));
  return { row: random.between(1, rowCount), at };
}

const outageOf = (random: Random): Outage => ({
  fromSeconds: random.between(1, 40),
  minutes: random.pick([5, 30, 100, 150]),
});

function kindOf(random: Random, family: Family): Kind {
  const kind = random.pick<Kind>(['create', 'createById', 'upsert', 'upsert', 'update', 'delete']);
  if (family === 'clash') return 'create';
  // Deletes name their rows by keys alone.
  if (family === 'poison' && kind === 'delete') return 'upsert';
  return family === 'undo' && kind !== 'createById' ? 'create' : kind;
}

function specOf(table: ScenarioTable, kind: Kind, family: Family, random: Random): RunSpec {
  const operation = kind === 'createById' ? 'create' : kind;
  const key = family === 'clash' || (operation !== 'create' && family !== 'elastic') ? { key: ['fan_geonameid'] } : {};
  return parsedSpec({
    connection: 'main',
    source: { container: 'sources', blob: 'rows.csv' },
    target: { table: table.name, operation, ...key },
    options: {
      rowsPerRequest: random.between(1, 60),
      duplicates: random.pick(['lastWins', 'lastWins', 'reject']),
      tolerate: { inARow: 1_000 },
    },
  });
}
