import { createHash } from 'node:crypto';
import type { ExceptionLine, Part } from '../ledger/parts.ts';
import { keyText, type RowKey } from '../mapping/encoded-row.ts';
import { addCounts, type OutcomeCounts, type OutcomeKind, type RowOutcome } from '../plan/outcome.ts';
import { decodeText } from '../source/one-byte-text.ts';
import type { RecordPlace } from '../source/source-row.ts';

/** A row of a chunk with what happened to it. */
export interface SettledRow {
  readonly place: RecordPlace;
  readonly outcome: RowOutcome;
  /** Of a row that was sent, or looked up. */
  readonly key: RowKey | undefined;
  /** Redrive and undo. */
  readonly sourceRow: number | undefined;
}

/** Collects the outcomes of consecutive rows until they are committed as one part. */
export interface PartBuilder {
  readonly nextRow: () => number;
  /** Rows `nextRow` to `nextRow + settled.length - 1`, in any order. */
  readonly add: (settled: readonly SettledRow[]) => void;
  /** Undefined when nothing was added. */
  readonly build: () => Part | undefined;
}

/** The bytes of the slice that a part belongs to, and where they begin in the source. */
export interface SliceBytes {
  readonly bytes: Buffer;
  readonly from: number;
}

export function createPartBuilder(firstRow: number, slice: SliceBytes): PartBuilder {
  let rowCount = 0;
  let recovered = 0;
  let superseded = 0;
  const range = { from: Number.POSITIVE_INFINITY, to: 0 };
  let counts: OutcomeCounts = {};
  const exceptions: ExceptionLine[] = [];
  return {
    nextRow: () => firstRow + rowCount,
    add(settled) {
      rowCount += settled.length;
      counts = addCounts(counts, countOutcomes(settled));
      for (const row of settled) {
        if (row.outcome.recovered === true) recovered += 1;
        if (row.outcome.reason === 'superseded') superseded += 1;
        range.from = Math.min(range.from, row.place.from);
        range.to = Math.max(range.to, row.place.to);
        if (isException(row.outcome)) exceptions.push(lineOf(row));
      }
    },
    build() {
      if (rowCount === 0) return undefined;
      return {
        firstRow,
        rowCount,
        counts,
        recovered,
        ...(superseded === 0 ? {} : { superseded }),
        bytes: { ...range, sha256: digestOf(slice, range) },
        exceptions: exceptions.toSorted((left, right) => left.row - right.row),
      };
    },
  };
}

function digestOf({ bytes, from }: SliceBytes, range: { readonly from: number; readonly to: number }): string {
  return createHash('sha256')
    .update(bytes.subarray(range.from - from, range.to - from))
    .digest('hex');
}

function countOutcomes(settled: readonly SettledRow[]): OutcomeCounts {
  const counts: Partial<Record<OutcomeKind, number>> = {};
  for (const { outcome } of settled) counts[outcome.outcome] = (counts[outcome.outcome] ?? 0) + 1;
  return counts;
}

/** What goes as intended is only counted; a row is worth a line when it failed, is unknown, or was learned in a second way. */
function isException({ outcome, recovered, rejection }: RowOutcome): boolean {
  if (rejection !== undefined || recovered === true) return true;
  return outcome === 'unknown' || outcome === 'alreadyAbsent' || outcome === 'notAttempted';
}

function lineOf({ place, outcome, key, sourceRow }: SettledRow): ExceptionLine {
  return {
    ...outcome,
    ...(sourceRow === undefined ? {} : { sourceRow }),
    from: place.from,
    to: place.to,
    ...(key === undefined ? {} : { key: decodeText(keyText(key)) }),
  };
}
