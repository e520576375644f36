import type { EncodedRow, RowKey } from '../mapping/encoded-row.ts';
import { isRejection } from '../mapping/row-encoder.ts';
import type { RowOutcome } from '../plan/outcome.ts';
import type { RunOptions } from '../plan/run-spec.ts';
import { readRows } from '../source/rows.ts';
import type { ReadRow, RecordPlace } from '../source/source-row.ts';
import type { Slice } from '../source/source.ts';
import type { SettledRow } from './part-builder.ts';
import type { RunPlan } from './run-plan.ts';

/** Consecutive rows: those that need no request, with their outcomes, and those to be sent. */
export interface Chunk {
  readonly settled: SettledRow[];
  readonly sendable: EncodedRow[];
}

export interface ChunkContext {
  readonly plan: RunPlan;
  readonly duplicates: RunOptions['duplicates'];
  readonly firstRow: number;
  /** Asked when a chunk begins: it ends with so many rows to send, or so many that need no request. Absent: the slice is one chunk. */
  readonly limits?: () => { readonly sendable: number; readonly settled: number };
}

/** The rows of a slice from `firstRow` on, as one lane sends them. */
export function* chunksOf(context: ChunkContext, slice: Slice, bytes: Buffer): Generator<Chunk> {
  const { plan, firstRow } = context;
  let limits = context.limits?.();
  let chunk: Chunk = { settled: [], sendable: [] };
  const reading = { columns: plan.head.columns, firstRow: slice.firstRow, from: slice.from };
  for (const row of readRows(bytes, plan.format, reading)) {
    if (row.row < firstRow) continue;
    const outcome = withoutRequest(context, row);
    if ('outcome' in outcome) chunk.settled.push(settle(plan, row, outcome));
    else chunk.sendable.push(outcome);
    if (chunk.sendable.length === limits?.sendable || chunk.settled.length === limits?.settled) {
      yield chunk;
      limits = context.limits?.();
      chunk = { settled: [], sendable: [] };
    }
  }
  if (chunk.settled.length + chunk.sendable.length > 0) yield chunk;
}

/** The row to send, or the outcome of one that cannot or must not be sent. */
function withoutRequest({ plan, duplicates }: ChunkContext, row: ReadRow): EncodedRow | RowOutcome {
  const repeated = outcomeOfRepeated(plan, duplicates, row.row);
  if (repeated !== undefined) return repeated;
  const encoded = plan.encode(row);
  return isRejection(encoded) ? { row: row.row, outcome: 'rejected', rejection: encoded } : encoded;
}

/** The outcome of a row that is not sent because another row of the file has its key. */
export function outcomeOfRepeated(
  plan: RunPlan,
  duplicates: RunOptions['duplicates'],
  row: number,
): RowOutcome | undefined {
  const lastRow = plan.repeated.find(row);
  if (lastRow === undefined) return undefined;
  return duplicates === 'lastWins'
    ? { row, outcome: 'notAttempted', reason: 'superseded' }
    : repeatedKey(plan, row, lastRow);
}

function repeatedKey({ rowMap }: RunPlan, row: number, lastRow: number): RowOutcome {
  const sourceRowOf = (own: number): number => rowMap?.sourceRowOf(own) ?? own;
  const others = row === lastRow ? 'that of an earlier row' : `that of row ${sourceRowOf(lastRow)}`;
  const message = `The key is also ${others}, and the spec rejects repeated keys (row ${sourceRowOf(row)})`;
  return { row, outcome: 'rejected', rejection: { class: 'source', code: 'source.repeatedKey', message } };
}

/** Settles a row; it has a key when it was sent, or looked up. */
export const settle = ({ rowMap }: RunPlan, place: RecordPlace, outcome: RowOutcome, key?: RowKey): SettledRow => ({
  place,
  outcome,
  key,
  sourceRow: rowMap?.sourceRowOf(place.row),
});
