import type { RowOutcome } from '../plan/outcome.ts';
import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { Slice } from '../source/source.ts';
import type { Lane } from './lane.ts';

/**
 * A twin at work in the slice has left its mark before it sent. Then a refusal, or that a row is gone already, may be what the twin has brought
 * about: such rows are sent again as a repeat, which looks them up where they are refused again. Answers their outcomes.
 */
export async function lookTwice(
  { deps: { ledger }, input: { runId } }: Lane,
  slice: Slice,
  { rows, outcomes }: { readonly rows: readonly EncodedRow[]; readonly outcomes: readonly RowOutcome[] },
  sendAsRepeat: (rows: readonly EncodedRow[]) => Promise<{ readonly outcomes: readonly RowOutcome[] }>,
): Promise<readonly RowOutcome[]> {
  const doubtful = doubtfulRows(rows, outcomes);
  if (doubtful.length === 0 || !(await ledger.isContested(runId, slice.firstRow))) return [];
  return (await sendAsRepeat(doubtful)).outcomes;
}

function doubtfulRows(rows: readonly EncodedRow[], outcomes: readonly RowOutcome[]): readonly EncodedRow[] {
  const doubtful = new Set(
    outcomes.filter(({ outcome }) => outcome === 'rejected' || outcome === 'alreadyAbsent').map(({ row }) => row),
  );
  return rows.filter(({ row }) => doubtful.has(row));
}
