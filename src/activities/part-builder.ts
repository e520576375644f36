import type { ExceptionLine, Part } from '../ledger/parts.ts';
import { addCounts, type OutcomeCounts, type OutcomeKind, type RowOutcome } from '../plan/outcome.ts';
import type { RecordPlace } from '../source/source-row.ts';

/** A row of a chunk with what happened to it. */
export interface SettledRow {
  readonly place: RecordPlace;
  readonly outcome: RowOutcome;
  readonly key?: string;
}

/** Collects the outcomes of consecutive rows until they are committed as one part. */
export interface PartBuilder {
  readonly nextRow: () => number;
  /** Rows `nextRow` to `nextRow + settled.length - 1`, in any order. */
  readonly add: (settled: readonly SettledRow[]) => void;
  /** Undefined when nothing was added. */
  readonly build: () => Part | undefined;
}

export function createPartBuilder(firstRow: number): PartBuilder {
  let rowCount = 0;
  let recovered = 0;
  let counts: OutcomeCounts = {};
  const exceptions: ExceptionLine[] = [];
  return {
    nextRow: () => firstRow + rowCount,
    add(settled) {
      rowCount += settled.length;
      counts = addCounts(counts, countOutcomes(settled));
      recovered += settled.filter(({ outcome }) => outcome.recovered === true).length;
      for (const row of settled) if (isException(row.outcome)) exceptions.push(lineOf(row));
    },
    build() {
      if (rowCount === 0) return undefined;
      return {
        firstRow,
        rowCount,
        counts,
        recovered,
        exceptions: exceptions.toSorted((left, right) => left.row - right.row),
      };
    },
  };
}

function countOutcomes(settled: readonly SettledRow[]): OutcomeCounts {
  const counts: Partial<Record<OutcomeKind, number>> = {};
  for (const { outcome } of settled) counts[outcome.outcome] = (counts[outcome.outcome] ?? 0) + 1;
  return counts;
}

/** What goes as intended is only counted; a row is worth a line when it failed, is unknown, or was learned in a second way. */
function isException({ outcome, recovered, rejection }: RowOutcome): boolean {
  return rejection !== undefined || recovered === true || outcome === 'unknown' || outcome === 'alreadyAbsent';
}

function lineOf({ place, outcome, key }: SettledRow): ExceptionLine {
  return { ...outcome, from: place.from, to: place.to, ...(key === undefined ? {} : { key }) };
}
