import type { Ledger } from '../ledger/ledger.ts';
import { isSelected, type RowSelection } from '../plan/lineage.ts';
import type { OutcomeKind, RowOutcome } from '../plan/outcome.ts';
import type { BlobSource } from '../source/blob-source.ts';
import { outcomeOfRepeated } from './chunks.ts';
import type { RunPlan } from './run-plan.ts';
import { withCurrentPin } from './same-source.ts';
import { readRecords, type RecordSource, type SourceRecord } from './source-records.ts';
import type { SpoolPlan, SpoolRow } from './spool-rows.ts';

export interface SelectDeps {
  readonly ledger: Ledger;
  readonly source: BlobSource;
}

/** A row of an ended run that is taken up again. */
export interface SelectedRow {
  readonly row: number;
  readonly outcome: OutcomeKind;
}

export const recordsOf = ({ source }: SelectDeps, { rows, format, head, index }: RunPlan): RecordSource => ({
  source,
  rows,
  format,
  columns: head.columns,
  index,
});

/** Rows of a run by their outcome, in order: those of which the parts keep a line, and those no part covers. */
export async function* selectedRows(
  deps: SelectDeps,
  plan: RunPlan,
  selection: RowSelection,
): AsyncGenerator<SelectedRow> {
  for await (const { row, outcome, ...facts } of unfinishedRows(deps, plan))
    if (isSelected(selection, { outcome, ...facts })) yield { row, outcome };
}

async function* unfinishedRows({ ledger }: SelectDeps, plan: RunPlan): AsyncGenerator<RowOutcome> {
  const { runId } = plan.manifest;
  let next = 1;
  for await (const part of ledger.listParts(runId)) {
    yield* uncovered(plan, next, part.firstRow - 1);
    next = part.firstRow + part.rowCount;
    if (part.exceptionCount > 0) yield* (await ledger.readPart(runId, part.firstRow)).exceptions;
  }
  yield* uncovered(plan, next, plan.index.rowCount);
}

/** A key that comes again in the file counts here as well: its last row may be done, and must stay the last. */
function* uncovered(plan: RunPlan, from: number, to: number): Generator<RowOutcome> {
  const { duplicates } = plan.manifest.spec.options;
  for (let row = from; row <= to; row += 1)
    yield outcomeOfRepeated(plan, duplicates, row) ?? { row, outcome: 'notAttempted' };
}

/**
 * A row that may have been sent before. Ids the run made itself belong to nobody else, so with them a second look is always right; with others
 * only an unknown row calls for it.
 */
export const maybeSent = ({ mapping }: RunPlan, { outcome }: SelectedRow): boolean =>
  mapping.key.kind === 'made' || outcome === 'unknown';

export const sourceRowOf = ({ rowMap }: RunPlan, row: number): number => rowMap?.sourceRowOf(row) ?? row;

/** The selected rows as they stand in the source of the run. */
export async function originalRows(deps: SelectDeps, ended: RunPlan, selection: RowSelection): Promise<SpoolPlan> {
  const parent = await withCurrentPin(deps.source, ended);
  const { format, head } = parent;
  // JSON lines have no head of their own: their columns are those of the first source's first record.
  const before = format.kind === 'csv' ? await deps.source.read(parent.rows, 0, head.dataFrom) : Buffer.alloc(0);
  return {
    format,
    head: { columns: head.columns, dataFrom: before.length },
    before,
    rows: copyRows(deps, parent, selection),
  };
}

const lineFeed = Buffer.from('\n');
/** Selected rows that lie so near each other are read with one request. */
const nearRows = 2_000;

async function* copyRows(deps: SelectDeps, parent: RunPlan, selection: RowSelection): AsyncGenerator<SpoolRow> {
  for await (const { selected, bytes } of selectedRecords(deps, parent, selection)) {
    yield {
      bytes: Buffer.concat([bytes, lineFeed]),
      sourceRow: sourceRowOf(parent, selected.row),
      maybeSent: maybeSent(parent, selected),
    };
  }
}

/** The selected rows with their records; the source must be readable as `parent` names it. */
export async function* selectedRecords(
  deps: SelectDeps,
  parent: RunPlan,
  selection: RowSelection,
): AsyncGenerator<SourceRecord & { readonly selected: SelectedRow }> {
  for await (const near of inRuns(selectedRows(deps, parent, selection))) {
    const outcomes = new Map(near.map((selected) => [selected.row, selected]));
    for await (const record of readRecords(recordsOf(deps, parent), near[0]?.row, near.at(-1)?.row)) {
      const selected = outcomes.get(record.row.row);
      if (selected !== undefined) yield { ...record, selected };
    }
  }
}

async function* inRuns(rows: AsyncIterable<SelectedRow>): AsyncGenerator<readonly SelectedRow[]> {
  let run: SelectedRow[] = [];
  for await (const row of rows) {
    if (row.row - (run[0]?.row ?? row.row) >= nearRows) {
      yield run;
      run = [];
    }
    run.push(row);
  }
  if (run.length > 0) yield run;
}
