import type { RunReport } from '../../../cli/api.ts';
import { createLedger } from '../../../src/ledger/ledger.ts';
import type { Part } from '../../../src/ledger/parts.ts';
import type { App, JournalEntry } from '../../support/app.ts';
import type { Commit, Evidence } from '../check-invariants.ts';
import { expectedRows, type Load } from './load.ts';

export interface Ended {
  readonly load: Load;
  readonly report: RunReport;
  readonly before: ReadonlySet<string>;
  /** Position of the journal at which the run began. */
  readonly began: number;
}

export async function evidenceOf(app: App, { load, report, before, began }: Ended): Promise<Evidence> {
  const rows = await tableRows(app);
  return {
    operation: load.operation,
    hasOwnKeys: true,
    input: expectedRows(load),
    bytes: Buffer.from(load.csv),
    parts: await partsOf(app, report.runId),
    report,
    before,
    commits: await commitsAfter(app, began),
    after: new Map([...rows].map(([key, { name }]) => [key, name])),
    readsBlocked: false,
  };
}

/** What was written since, by the key of its row. */
export async function commitsAfter(app: App, began: number): Promise<readonly Commit[]> {
  const keyOfId = new Map([...(await tableRows(app))].map(([key, { id }]) => [id, key] as const));
  const journal = await app.journal(began);
  return journal
    .filter(({ table }) => table === 'fan_city')
    .map((entry) => ({ operation: entry.operation, key: keyOf(entry, keyOfId) }));
}

/** A deleted row is named by the key its request used. */
function keyOf({ rowId, key }: JournalEntry, keyOfId: ReadonlyMap<string, string>): string {
  return keyOfId.get(rowId) ?? /fan_geonameid=(\d+)/.exec(key ?? '')?.[1] ?? rowId;
}

export async function tableRows(
  app: App,
): Promise<ReadonlyMap<string, { readonly id: string; readonly name: string }>> {
  return new Map(
    (await app.rows('fan_city')).map((row) => [
      String(row['fan_geonameid']),
      { id: String(row['fan_cityid']), name: String(row['fan_name']) },
    ]),
  );
}

export async function lastSequence(app: App): Promise<number> {
  const { journal } = (await app.control('GET', 'counters')) as { readonly journal: { readonly lastSequence: number } };
  return journal.lastSequence;
}

async function partsOf(app: App, runId: string): Promise<Part[]> {
  const ledger = createLedger(app.container('fanout-runs'));
  const parts: Part[] = [];
  for await (const { firstRow } of ledger.listParts(runId)) parts.push(await ledger.readPart(runId, firstRow));
  return parts;
}
