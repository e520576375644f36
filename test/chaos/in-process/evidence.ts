import { parse } from 'csv-parse/sync';
import type { Report } from '../../../src/plan/report.ts';
import { checkInvariants, type Commit, type Evidence, type ExpectedRow } from '../check-invariants.ts';
import { idOf } from './input.ts';
import type { Scenario } from './scenario.ts';
import { serverRows } from './table.ts';
import type { World } from './world.ts';

/** A run to be checked: since when the journal is its own, and what was on the server before. */
export interface Subject {
  readonly runId: string;
  readonly began: number;
  readonly before: ReadonlySet<string>;
}

export function reportOf({ ledger }: World, id: string): Report {
  const { report } = ledger.run(id);
  if (report === undefined) throw new Error('The run has ended and left no report.');
  return report;
}

/** Every promise that a run over the scenario's own file has broken. */
export function checkRun(world: World, scenario: Scenario, subject: Subject): readonly string[] {
  const rows = serverRows(world, scenario);
  return check(world, subject, {
    operation: scenario.spec.target.operation,
    hasOwnKeys: scenario.family !== 'clash',
    input: expectedRows(scenario),
    bytes: scenario.csv,
    commits: commitsAfter(world, scenario, subject.began),
    readsBlocked: scenario.outage !== undefined,
    after: new Map(rows.map(({ key, value }) => [key, value])),
  });
}

/** The same of an undo, whose rows are known by their ids alone. */
export function checkUndo(world: World, scenario: Scenario, subject: Subject): readonly string[] {
  const bytes = world.ledger.spooled.get(`${subject.runId}/spool.rows`) ?? Buffer.alloc(0);
  return check(world, subject, {
    operation: 'delete',
    hasOwnKeys: true,
    input: reportOf(world, subject.runId).proof === null ? [] : idRows(bytes.toString('latin1')),
    bytes,
    readsBlocked: false,
    commits: journalAfter(world, subject.began).map(({ operation, rowId }) => ({ operation, key: rowId })),
    after: new Map(serverRows(world, scenario).map(({ id }) => [id, ''])),
  });
}

type Found = Omit<Evidence, 'parts' | 'report' | 'before'>;

function check(world: World, { runId, before }: Subject, found: Found): readonly string[] {
  const parts = [...world.ledger.run(runId).parts.values()];
  return checkInvariants({
    ...found,
    parts: parts.toSorted((left, right) => left.firstRow - right.firstRow),
    report: reportOf(world, runId),
    before,
  });
}

const journalAfter = ({ emulator }: World, after: number) => emulator.journal.entriesAfter(after, 1_000_000);

/** Commits behind a point of the journal, by the key of their row. */
export function commitsAfter(world: World, scenario: Scenario, after: number): Commit[] {
  const keyOfId = new Map([
    ...scenario.rows.map(({ key }) => [idOf(key), String(key)] as const),
    ...serverRows(world, scenario).map(({ id, key }) => [id, key] as const),
  ]);
  return journalAfter(world, after).map(({ operation, rowId }) => ({ operation, key: keyOfId.get(rowId) ?? rowId }));
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

/** A column of ids with its header. */
function idRows(text: string): ExpectedRow[] {
  const [header = '', ...ids] = text.split('\n').slice(0, -1);
  let from = header.length + 1;
  return ids.map((key, at) => {
    const row = { row: at + 1, key, value: '', from, to: from + key.length };
    from = row.to + 1;
    return row;
  });
}
