import { isRejection } from '../mapping/row-encoder.ts';
import { sourceRowOf, recordsOf, type SelectDeps } from './selected-rows.ts';
import type { RunPlan } from './run-plan.ts';
import { readRecords } from './source-records.ts';
import type { SpoolPlan, SpoolRow } from './spool-rows.ts';

/** The ids of exactly the rows a create run made: the rows an undo deletes. */
export async function createdRows(deps: SelectDeps, parent: RunPlan): Promise<SpoolPlan> {
  const { primaryIdColumn } = parent.table;
  const before = Buffer.from(`${primaryIdColumn}\n`, 'utf8');
  return {
    format: { kind: 'csv', delimiter: ',' },
    head: { columns: [primaryIdColumn], dataFrom: before.length },
    before,
    rows: idRows(deps, parent),
  };
}

async function* idRows({ ledger, ...deps }: SelectDeps, parent: RunPlan): AsyncGenerator<SpoolRow> {
  const { runId } = parent.manifest;
  for await (const part of ledger.listParts(runId)) {
    const { exceptions } = await ledger.readPart(runId, part.firstRow);
    const others = new Set(exceptions.filter(({ outcome }) => outcome !== 'created').map(({ row }) => row));
    const lastRow = part.firstRow + part.rowCount - 1;
    for await (const { row } of readRecords(recordsOf({ ledger, ...deps }, parent), part.firstRow, lastRow)) {
      if (others.has(row.row)) continue;
      const encoded = parent.encode(row);
      if (isRejection(encoded) || encoded.key.kind !== 'id')
        throw new Error(`Row ${row.row} of run ${runId} was created and cannot be named.`);
      yield {
        bytes: Buffer.from(`${encoded.key.id}\n`, 'latin1'),
        sourceRow: sourceRowOf(parent, row.row),
        maybeSent: false,
      };
    }
  }
}
