import { parse } from 'csv-parse/sync';
import { setTimeout as delay } from 'node:timers/promises';
import { createLedger } from '../../../src/ledger/ledger.ts';
import type { Part } from '../../../src/ledger/parts.ts';
import type { RunReport } from '../../../cli/api.ts';
import { until, type App, type JournalEntry } from '../../support/app.ts';
import { checkInvariants, type Evidence, type ExpectedRow } from '../check-invariants.ts';
import { createRandom, type Random } from '../random.ts';

export interface KillResult {
  readonly violations: readonly string[];
  readonly state: string;
  readonly kills: number;
  readonly what: string;
}

type Operation = Evidence['operation'];

interface Load {
  readonly operation: Operation;
  readonly csv: string;
  readonly rowCount: number;
}

const header = 'fan_geonameid,fan_name,fan_population';

function createLoad(random: Random): Load {
  const operation = random.pick<Operation>(['create', 'upsert', 'upsert', 'delete', 'update']);
  const rowCount = random.between(500, 3_000);
  const lines = Array.from({ length: rowCount }, (_, at) => {
    const population = operation !== 'delete' && random.chance(0.01) ? 'x' : String(at + 1);
    return `${at + 1},"City ${at + 1}",${population}`;
  });
  return { operation, rowCount, csv: `${[header, ...lines].join('\n')}\n` };
}

/** One run of the built app whose host is killed or frozen at random journal events, checked when it has ended. */
export async function runKills(app: App, seed: number): Promise<KillResult> {
  const random = createRandom(seed);
  const load = createLoad(random);
  await app.control('POST', 'reset', { rows: true, counters: true });
  await app.control('DELETE', 'faults');
  if (load.operation === 'update' || load.operation === 'delete') await preload(app, load);
  const before = new Set((await tableRows(app)).keys());
  const began = await lastSequence(app);
  await app.control('PATCH', 'settings', { hint: 4, latency: { overheadMs: { bulk: 150, batch: 60 } } });
  if (random.chance(0.5)) {
    await app.control('POST', 'faults', {
      kind: 'commitThenDrop',
      match: { method: 'POST' },
      probability: 0.1,
      times: 3,
    });
  }
  const source = await app.put(`chaos/${seed}.csv`, load.csv);
  const key = load.operation === 'create' ? {} : { key: ['fan_geonameid'] };
  const runId = await app.start({
    connection: 'main',
    source,
    target: { table: 'fan_city', operation: load.operation, ...key },
    options: { rowsPerRequest: random.between(20, 100) },
  });
  const kills = random.between(1, 3);
  const whatHappened: string[] = [];
  for (let kill = 0; kill < kills; kill += 1) whatHappened.push(await strike(app, random, began, load.rowCount));
  const { report } = await app.ended(runId);
  const violations = checkInvariants(await evidenceOf(app, { load, report, before, began }));
  const what = `${load.operation}, ${load.rowCount} rows, ${whatHappened.join(', ')}`;
  return { violations, state: report.state, kills, what };
}

/** Waits for an event of the journal, then kills the host, or freezes it for longer than a box. */
async function strike(app: App, random: Random, began: number, rowCount: number): Promise<string> {
  const at = began + random.between(1, Math.max(1, Math.floor(rowCount * 0.9)));
  const started = Date.now();
  await until(`journal event ${at}`, async () => (await lastSequence(app)) >= at || Date.now() - started > 8_000);
  if (random.chance(0.25)) {
    const { pid } = app.stack.hostProcess;
    process.kill(pid, 'SIGSTOP');
    await delay(random.between(500, 9_000));
    process.kill(pid, 'SIGCONT');
    return `frozen at ${at - began}`;
  }
  await app.stack.hostProcess.kill('SIGKILL');
  await app.stack.hostProcess.restart();
  return `killed at ${at - began}`;
}

async function lastSequence(app: App): Promise<number> {
  const { journal } = (await app.control('GET', 'counters')) as { readonly journal: { readonly lastSequence: number } };
  return journal.lastSequence;
}

async function preload(app: App, { csv }: Load): Promise<void> {
  await app.control('PATCH', 'settings', { latency: { overheadMs: { bulk: 0, batch: 0 } } });
  const rows = csv.replaceAll('"City', '"Before').replaceAll(',x\n', ',1\n');
  const source = await app.put('chaos/preload.csv', rows);
  await app.run({
    connection: 'main',
    source,
    target: { table: 'fan_city', operation: 'upsert', key: ['fan_geonameid'] },
  });
}

async function tableRows(app: App): Promise<ReadonlyMap<string, { readonly id: string; readonly name: string }>> {
  return new Map(
    (await app.rows('fan_city')).map((row) => [
      String(row['fan_geonameid']),
      { id: String(row['fan_cityid']), name: String(row['fan_name']) },
    ]),
  );
}

interface Ended {
  readonly load: Load;
  readonly report: RunReport;
  readonly before: ReadonlySet<string>;
  readonly began: number;
}

async function evidenceOf(app: App, { load, report, before, began }: Ended): Promise<Evidence> {
  const rows = await tableRows(app);
  const journal = await app.journal();
  const keyOfId = new Map([...rows].map(([key, { id }]) => [id, key] as const));
  const commits = journal
    .filter(({ sequence, table }) => sequence > began && table === 'fan_city')
    .map((entry) => ({ operation: entry.operation, key: keyOf(entry, keyOfId) }));
  return {
    operation: load.operation,
    hasOwnKeys: true,
    input: expectedRows(load),
    bytes: Buffer.from(load.csv),
    parts: await partsOf(app, report.runId),
    report,
    before,
    commits,
    after: new Map([...rows].map(([key, { name }]) => [key, name])),
    readsBlocked: false,
  };
}

/** A deleted row is named by the key its request used. */
function keyOf({ rowId, key }: JournalEntry, keyOfId: ReadonlyMap<string, string>): string {
  return keyOfId.get(rowId) ?? /fan_geonameid=(\d+)/.exec(key ?? '')?.[1] ?? rowId;
}

async function partsOf(app: App, runId: string): Promise<Part[]> {
  const ledger = createLedger(app.container('fanout-runs'));
  const parts: Part[] = [];
  for await (const { firstRow } of ledger.listParts(runId)) parts.push(await ledger.readPart(runId, firstRow));
  return parts;
}

/** Read by csv-parse, with its own byte positions. */
function expectedRows({ csv }: Load): ExpectedRow[] {
  const records = parse<{
    readonly record: Readonly<Record<string, string>>;
    readonly info: { readonly bytes: number };
  }>(csv, { columns: true, info: true });
  let from = csv.indexOf('\n') + 1;
  return records.map(({ record, info }, at) => {
    const row = {
      row: at + 1,
      key: record['fan_geonameid'] ?? '',
      value: record['fan_name'] ?? '',
      from,
      to: info.bytes - 1,
    };
    from = info.bytes;
    return row;
  });
}
