import { parseRunSpec } from '../../../src/plan/spec.ts';
import type { RunSpec } from '../../../src/plan/run-spec.ts';
import type { FaultRule, SettingsPatch } from 'dataverse-emulator';
import type { Random } from '../random.ts';
import type { HostFaults } from './hosts.ts';

/** One row of the input, as the generator knows it. */
export interface InputRow {
  readonly row: number;
  readonly key: number;
  readonly name: string;
  /** Decided before a request: the population is no number. */
  readonly isMisfit: boolean;
  /** Refused by the service: the required name is missing. */
  readonly isRefused: boolean;
  readonly from: number;
  readonly to: number;
}

export type Kind = 'create' | 'createById' | 'upsert' | 'update' | 'delete';

export interface Scenario {
  readonly kind: Kind;
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

export function createScenario(random: Random): Scenario {
  const kind = random.pick<Kind>(['create', 'createById', 'upsert', 'upsert', 'update', 'delete']);
  const rowCount = random.between(1, 400);
  const repeats = kind === 'create' ? 0 : random.pick([0, 0, 0.1]);
  const bad = random.pick([0, 0, 0.02, 0.2]);
  const { csv, rows } = createInput(random.fork('input'), { kind, rowCount, repeats, bad });
  const sharesBefore: Readonly<Record<Kind, number>> = {
    create: 0,
    createById: 0,
    upsert: 0.3,
    update: 0.9,
    delete: 0.9,
  };
  const keys = [...new Set(rows.map(({ key }) => key))];
  return {
    kind,
    spec: specOf(kind, random),
    csv,
    rows,
    before: keys.filter(() => random.chance(sharesBefore[kind])),
    settings: {
      hint: random.between(1, 9),
      limits: { concurrency: random.pick([6, 100, 100]), retryAfter: { concurrencySeconds: random.between(1, 90) } },
      latency: { overheadMs: { bulk: random.between(50, 3_000), batch: 100, batchOperation: 15, read: 30 } },
    },
    rules: rulesOf(random.fork('rules')),
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

interface InputOptions {
  readonly kind: Kind;
  readonly rowCount: number;
  readonly repeats: number;
  readonly bad: number;
}

function createInput(random: Random, options: InputOptions): { readonly csv: Buffer; readonly rows: InputRow[] } {
  const { kind, rowCount, repeats, bad } = options;
  const header =
    kind === 'createById'
      ? 'fan_cityid,fan_geonameid,fan_name,fan_population'
      : 'fan_geonameid,fan_name,fan_population';
  const rows: InputRow[] = [];
  let text = `${header}\n`;
  for (let row = 1; row <= rowCount; row += 1) {
    const earlier = rows[random.between(0, Math.max(0, rows.length - 1))];
    const key = earlier !== undefined && random.chance(repeats) ? earlier.key : row;
    const isMisfit = kind !== 'delete' && random.chance(bad);
    const isRefused = !isMisfit && kind !== 'delete' && random.chance(bad);
    const name = `City ${row}, "${key}"`;
    const cells = [
      ...(kind === 'createById' ? [idOf(key)] : []),
      String(key),
      isRefused ? '' : quoted(name),
      isMisfit ? 'x' : String(row),
    ];
    const from = Buffer.byteLength(text);
    text += `${cells.join(',')}\n`;
    rows.push({ row, key, name, isMisfit, isRefused, from, to: Buffer.byteLength(text) - 1 });
  }
  return { csv: Buffer.from(text), rows };
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** Primary id of a row that brings its own, or was there before. */
export const idOf = (key: number): string => `00000000-0000-4000-9000-${key.toString(16).padStart(12, '0')}`;

function specOf(kind: Kind, random: Random): RunSpec {
  const operation = kind === 'createById' ? 'create' : kind;
  const parsed = parseRunSpec({
    connection: 'main',
    source: { container: 'sources', blob: 'rows.csv' },
    target: { table: 'fan_city', operation, ...(operation === 'create' ? {} : { key: ['fan_geonameid'] }) },
    options: {
      rowsPerRequest: random.between(1, 60),
      duplicates: random.pick(['lastWins', 'lastWins', 'reject']),
      tolerate: { inARow: 1_000 },
    },
  });
  if ('faults' in parsed) throw new Error(`The spec of the scenario has faults: ${JSON.stringify(parsed.faults)}`);
  return parsed.spec;
}

function rulesOf(random: Random): FaultRule[] {
  const kinds = [
    'commitThenDrop', 'resetBefore', 'cutBody', 'htmlError', 'throttleConcurrency', 'throttleRequests', 'deadlock', 'sqlTimeout',
    'transactionAborted', 'unexpected', 'sandboxUnavailable', 'upsertRace', 'lateCommit',
  ] as const; // prettier-ignore
  return Array.from({ length: random.between(0, 4) }, () => {
    const kind = random.pick(kinds);
    return {
      kind,
      // Two upserts of one new key are what this race is about.
      match: kind === 'upsertRace' ? { message: 'UpsertMultiple' } : { method: 'POST' },
      probability: random.pick([0.05, 0.2, 0.6]),
      times: random.between(1, 8),
      ...(kind === 'lateCommit' ? { delayMs: random.between(1, 110) * 1_000 } : {}),
      ...(kind.startsWith('throttle') ? { retryAfterSeconds: random.between(1, 120) } : {}),
    };
  });
}
