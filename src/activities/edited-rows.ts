import type { Manifest } from '../ledger/run-files.ts';
import type { Lineage, RowSelection } from '../plan/lineage.ts';
import type { MappingSpec } from '../plan/run-spec.ts';
import { unguardFormula } from '../source/csv-text.ts';
import { createIndexer } from '../source/indexer.ts';
import { decodeText } from '../source/one-byte-text.ts';
import type { Cell, SourceRow } from '../source/source-row.ts';
import { faultDetail } from '../source/source.ts';
import { sheetColumns } from './failure-sheet.ts';
import { formatOf, openSource } from './open-source.ts';
import { createRowMarks, type RowMarks } from './row-marks.ts';
import { loadPlan, type RunPlan } from './run-plan.ts';
import { withCurrentPin } from './same-source.ts';
import { maybeSent, selectedRecords, selectedRows, sourceRowOf, type SelectDeps } from './selected-rows.ts';
import { readRecords, type RecordSource, type SourceRecord } from './source-records.ts';
import { SpoolFaultError, type SpoolPlan, type SpoolRow } from './spool-rows.ts';

export interface EditedInput extends Pick<Manifest, 'pin' | 'spec'> {
  readonly lineage: Extract<Lineage, { readonly kind: 'redrive' }>;
}

/** Marks of rows by their numbers in the lineage's first source. */
const [isWanted, isWantedAndMaybeSent, isSeen] = [1, 2, 3];

/**
 * The selected rows with values of an edited file: either a mended `failures.csv`, whose column `fanout_row` says which row a line stands for,
 * or the whole source again, with as many rows as before.
 */
export async function editedRows(deps: SelectDeps, parent: RunPlan, edited: EditedInput): Promise<SpoolPlan> {
  const file = await openEdited(deps, edited);
  const { selection } = edited.lineage;
  const wanted = createRowMarks();
  for await (const selected of selectedRows(deps, parent, selection))
    wanted.mark(sourceRowOf(parent, selected.row), maybeSent(parent, selected) ? isWantedAndMaybeSent : isWanted);
  const rowColumn = file.columns.indexOf(sheetColumns.row);
  if (rowColumn >= 0)
    return mendedSheet(file, {
      empty: edited.spec.mapping.empty,
      wanted,
      rowColumn,
      lacks: await whatRowsLack(deps, parent, selection),
    });
  const { index } =
    edited.lineage.root === parent.manifest.runId ? parent : await loadPlan(deps.ledger, edited.lineage.root);
  if (file.index.rowCount !== index.rowCount) {
    throw wrong(
      `The edited file has ${file.index.rowCount} rows, the source of run ${edited.lineage.root} has ${index.rowCount}. ` +
        `Edit the source without adding or removing rows, or mend failures.csv with its column ${sheetColumns.row}.`,
    );
  }
  return wholeFile(deps, file, wanted);
}

const wrong = (detail: string): SpoolFaultError => new SpoolFaultError({ pointer: '/source/blob', detail });

interface EditedFile extends RecordSource {
  readonly dataFrom: number;
}

async function openEdited({ source }: SelectDeps, { pin, spec }: EditedInput): Promise<EditedFile> {
  const format = formatOf(spec);
  const head = await openSource(source, pin, format);
  if ('faults' in head) throw wrong(head.faults.map(({ detail }) => detail).join(' '));
  const indexer = createIndexer(format, head);
  for await (const chunk of await source.stream(pin)) indexer.push(chunk);
  const { index, faults } = indexer.finish({ sliceRows: () => 1_000 });
  const [fault] = faults;
  if (fault !== undefined) throw wrong(faultDetail(fault));
  return { source, rows: pin, format, columns: head.columns, index, dataFrom: head.dataFrom };
}

async function wholeFile({ source }: SelectDeps, file: EditedFile, wanted: RowMarks): Promise<SpoolPlan> {
  const before = file.format.kind === 'csv' ? await source.read(file.rows, 0, file.dataFrom) : Buffer.alloc(0);
  async function* rows(): AsyncGenerator<SpoolRow> {
    for await (const { row, bytes } of readRecords(file)) {
      const mark = wanted.of(row.row);
      if (mark === 0) continue;
      const maybeSent = mark === isWantedAndMaybeSent;
      yield { bytes: Buffer.concat([bytes, Buffer.from('\n')]), sourceRow: row.row, maybeSent };
    }
  }
  return { format: file.format, head: { columns: file.columns, dataFrom: before.length }, before, rows: rows() };
}

const ownColumns: ReadonlySet<string> = new Set(Object.values(sheetColumns));

/** Source row to the columns that its JSON record does not have. */
type Lacks = ReadonlyMap<number, ReadonlySet<string>>;

/** A sheet has a cell for each column, also where a JSON record has no such member: left empty, it must not become a value that clears. */
async function whatRowsLack(deps: SelectDeps, ended: RunPlan, selection: RowSelection): Promise<Lacks> {
  const lacks = new Map<number, ReadonlySet<string>>();
  if (ended.format.kind !== 'jsonl') return lacks;
  const parent = await withCurrentPin(deps.source, ended);
  for await (const { row } of selectedRecords(deps, parent, selection)) {
    // A record that cannot be read has named nothing.
    const missing = parent.head.columns.filter((_, at) => !('cells' in row) || row.cells.at(at) === undefined);
    if (missing.length > 0) lacks.set(sourceRowOf(parent, row.row), new Set(missing));
  }
  return lacks;
}

interface Sheet {
  readonly empty: MappingSpec['empty'];
  readonly wanted: RowMarks;
  readonly rowColumn: number;
  readonly lacks: Lacks;
}

/**
 * Copied without our columns, and without the marks that keep spreadsheets from computing; as JSON lines, which tell what is empty from what is
 * not there, and of which none is ever a blank line.
 */
function mendedSheet(file: EditedFile, { empty, wanted, rowColumn, lacks }: Sheet): SpoolPlan {
  const kept = file.columns.flatMap((name, at) => (ownColumns.has(name) ? [] : [{ at, name: unguardFormula(name) }]));
  async function* rows(): AsyncGenerator<SpoolRow> {
    for await (const record of readRecords(file)) {
      const row = readable(record);
      const sourceRow = Number(cellText(row.cells.at(rowColumn)));
      const mark = wanted.of(sourceRow);
      if (mark === 0) throw wrong(`Record ${row.row}: ${sheetColumns.row} names no row that is left to be done.`);
      if (mark === isSeen) throw wrong(`Record ${row.row}: row ${sourceRow} is there twice.`);
      wanted.mark(sourceRow, isSeen);
      const members = kept.flatMap(({ at, name }) => {
        const cell = cellText(row.cells.at(at));
        // Many programs put quotation marks around every cell, so that they say nothing here.
        const isEmpty = cell === null || cell === '';
        if (isEmpty && lacks.get(sourceRow)?.has(name) === true) return [];
        const text = cell === null || (isEmpty && empty === 'omit') ? null : unguardFormula(cell);
        return [`${JSON.stringify(name)}:${JSON.stringify(text)}`];
      });
      const bytes = Buffer.from(`{${members.join()}}\n`, 'utf8');
      yield { bytes, sourceRow, maybeSent: mark === isWantedAndMaybeSent };
    }
  }
  const head = { columns: kept.map(({ name }) => name), dataFrom: 0 };
  return { format: { kind: 'jsonl' }, head, before: Buffer.alloc(0), rows: rows() };
}

function readable({ row }: SourceRecord): SourceRow {
  if ('fault' in row) throw wrong(faultDetail(row.fault));
  return row;
}

function cellText(cell: Cell): string | null {
  if (cell === null || cell === undefined) return null;
  return decodeText(typeof cell === 'object' ? cell.json : cell);
}
