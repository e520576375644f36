import type { Manifest } from '../ledger/run-files.ts';
import type { Lineage } from '../plan/lineage.ts';
import { csvLine, unguardFormula } from '../source/csv-text.ts';
import { createIndexer } from '../source/indexer.ts';
import { decodeText } from '../source/one-byte-text.ts';
import type { Cell, SourceRow } from '../source/source-row.ts';
import { faultDetail } from '../source/source.ts';
import { sheetColumns } from './failure-sheet.ts';
import { formatOf, openSource } from './open-run.ts';
import { loadPlan, type RunPlan } from './run-plan.ts';
import { maybeSent, selectedRows, sourceRowOf, type SelectDeps } from './selected-rows.ts';
import { readRecords, type RecordSource, type SourceRecord } from './source-records.ts';
import { SpoolFaultError, type SpoolPlan, type SpoolRow } from './spool-rows.ts';

export interface EditedInput extends Pick<Manifest, 'pin' | 'spec'> {
  readonly lineage: Extract<Lineage, { readonly kind: 'redrive' }>;
}

/**
 * The selected rows with values of an edited file: either a mended `failures.csv`, whose column `fanout_row` says which row a line stands for,
 * or the whole source again, with as many rows as before.
 */
export async function editedRows(deps: SelectDeps, parent: RunPlan, edited: EditedInput): Promise<SpoolPlan> {
  const file = await openEdited(deps, edited);
  const wanted = new Map<number, boolean>();
  for await (const selected of selectedRows(deps, parent, edited.lineage.selection))
    wanted.set(sourceRowOf(parent, selected.row), maybeSent(parent, selected));
  const rowColumn = file.columns.indexOf(sheetColumns.row);
  if (rowColumn >= 0) return mendedSheet(file, wanted, rowColumn);
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

async function wholeFile(
  { source }: SelectDeps,
  file: EditedFile,
  wanted: ReadonlyMap<number, boolean>,
): Promise<SpoolPlan> {
  const before = file.format.kind === 'csv' ? await source.read(file.rows, 0, file.dataFrom) : Buffer.alloc(0);
  async function* rows(): AsyncGenerator<SpoolRow> {
    for await (const { row, bytes } of readRecords(file)) {
      const sent = wanted.get(row.row);
      if (sent === undefined) continue;
      yield { bytes: Buffer.concat([bytes, Buffer.from('\n')]), sourceRow: row.row, maybeSent: sent };
    }
  }
  return { format: file.format, head: { columns: file.columns, dataFrom: before.length }, before, rows: rows() };
}

const ownColumns: ReadonlySet<string> = new Set(Object.values(sheetColumns));

/** Copied without our columns, and without the marks that keep spreadsheets from computing. */
function mendedSheet(file: EditedFile, wanted: ReadonlyMap<number, boolean>, rowColumn: number): SpoolPlan {
  const kept = file.columns.flatMap((name, at) => (ownColumns.has(name) ? [] : [at]));
  const columns = kept.map((at) => unguardFormula(file.columns[at] ?? ''));
  const before = Buffer.from(csvLine(columns), 'utf8');
  const seen = new Set<number>();
  async function* rows(): AsyncGenerator<SpoolRow> {
    for await (const record of readRecords(file)) {
      const row = readable(record);
      const sourceRow = Number(cellText(row.cells.at(rowColumn)));
      const sent = wanted.get(sourceRow);
      if (sent === undefined)
        throw wrong(`Record ${row.row}: ${sheetColumns.row} names no row that is left to be done.`);
      if (seen.has(sourceRow)) throw wrong(`Record ${row.row}: row ${sourceRow} is there twice.`);
      seen.add(sourceRow);
      const cells = kept.map((at) => unguarded(cellText(row.cells.at(at))));
      yield { bytes: Buffer.from(csvLine(cells), 'utf8'), sourceRow, maybeSent: sent };
    }
  }
  return {
    format: { kind: 'csv', delimiter: ',' },
    head: { columns, dataFrom: before.length },
    before,
    rows: rows(),
  };
}

function readable({ row }: SourceRecord): SourceRow {
  if ('fault' in row) throw wrong(faultDetail(row.fault));
  return row;
}

const unguarded = (text: string | null): string | null => (text === null ? null : unguardFormula(text));

function cellText(cell: Cell): string | null {
  if (cell === null || cell === undefined) return null;
  return decodeText(typeof cell === 'object' ? cell.json : cell);
}
