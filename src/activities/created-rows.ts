import { partitionColumn } from '../mapping/plan-key.ts';
import { createKeyEncoder } from '../mapping/row-encoder.ts';
import { listedCells } from '../source/cells.ts';
import { csvCell } from '../source/csv-text.ts';
import { decodeText } from '../source/one-byte-text.ts';
import type { ReadRow, SourceRow } from '../source/source-row.ts';
import type { RunPlan } from './run-plan.ts';
import { withCurrentPin } from './same-source.ts';
import { recordsOf, sourceRowOf, type SelectDeps } from './selected-rows.ts';
import { readRecords } from './source-records.ts';
import type { SpoolPlan, SpoolRow } from './spool-rows.ts';

/** The primary keys of exactly the rows a create run made: the rows an undo deletes. */
export async function createdRows(deps: SelectDeps, ended: RunPlan): Promise<SpoolPlan> {
  const { key } = ended.mapping;
  const hasPartition = key.kind !== 'alternate' && key.partition !== undefined;
  const columns = [ended.table.primaryIdColumn, ...(hasPartition ? [partitionColumn] : [])];
  const before = lineOf(columns);
  // Ids that were made from row numbers are known whatever has become of the file.
  const rowsOf = key.kind === 'made' && !hasPartition ? numberedRows : await sourceRows(deps, ended);
  return {
    format: { kind: 'csv', delimiter: ',' },
    head: { columns, dataFrom: before.length },
    before,
    rows: keyRows(deps, ended, rowsOf),
  };
}

type RowsOf = (first: number, last: number) => AsyncIterable<ReadRow> | Iterable<ReadRow>;

async function sourceRows(deps: SelectDeps, ended: RunPlan): Promise<RowsOf> {
  const records = recordsOf(deps, await withCurrentPin(deps.source, ended));
  return async function* (first, last) {
    for await (const { row } of readRecords(records, first, last)) yield row;
  };
}

function* numberedRows(first: number, last: number): Generator<SourceRow> {
  const cells = listedCells([]);
  for (let row = first; row <= last; row += 1) yield { row, from: 0, to: 0, cells };
}

async function* keyRows({ ledger }: SelectDeps, parent: RunPlan, rowsOf: RowsOf): AsyncGenerator<SpoolRow> {
  const { runId } = parent.manifest;
  const encodeKey = createKeyEncoder(parent.mapping.key);
  for await (const part of ledger.listParts(runId)) {
    const { exceptions } = part.exceptionCount === 0 ? noExceptions : await ledger.readPart(runId, part.firstRow);
    const others = new Set(exceptions.filter(({ outcome }) => outcome !== 'created').map(({ row }) => row));
    for await (const row of rowsOf(part.firstRow, part.firstRow + part.rowCount - 1)) {
      if (others.has(row.row)) continue;
      const sourceRow = sourceRowOf(parent, row.row);
      const key = 'cells' in row ? encodeKey({ ...row, row: sourceRow }) : undefined;
      if (key === undefined || 'class' in key || key.kind !== 'id')
        throw new Error(`Row ${row.row} of run ${runId} was created and cannot be named.`);
      const partition = key.partitionId === undefined ? null : decodeText(key.partitionId);
      const bytes = lineOf('partition' in parent.mapping.key ? [key.id, partition] : [key.id]);
      yield { bytes, sourceRow, maybeSent: false };
    }
  }
}

const noExceptions = { exceptions: [] } as const;

const lineOf = (cells: readonly (string | null)[]): Buffer => Buffer.from(`${cells.map(csvCell).join()}\n`, 'utf8');
