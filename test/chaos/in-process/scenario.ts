import { parseRunSpec } from '../../../src/plan/spec.ts';
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
  };
}

function kindOf(random: Random, family: Family): Kind {
  const kind = random.pick<Kind>(['create', 'createById', 'upsert', 'upsert', 'update', 'delete']);
  if (family === 'clash') return 'create';
  return family === 'undo' && kind !== 'createById' ? 'create' : kind;
}

function specOf(table: ScenarioTable, kind: Kind, family: Family, random: Random): RunSpec {
  const operation = kind === 'createById' ? 'create' : kind;
  const key = family === 'clash' || (operation !== 'create' && family !== 'elastic') ? { key: ['fan_geonameid'] } : {};
  const parsed = parseRunSpec({
    connection: 'main',
    source: { container: 'sources', blob: 'rows.csv' },
    target: { table: table.name, operation, ...key },
    options: {
      rowsPerRequest: random.between(1, 60),
      duplicates: random.pick(['lastWins', 'lastWins', 'reject']),
      tolerate: { inARow: 1_000 },
    },
  });
  if ('faults' in parsed) throw new Error(`The spec of the scenario has faults: ${JSON.stringify(parsed.faults)}`);
  return parsed.spec;
}
