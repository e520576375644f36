import type { Decision } from './decisions.ts';
import type { Fault } from './fault.ts';
import type { Lineage } from './lineage.ts';
import { addCounts, totalOf, type OutcomeCounts } from './outcome.ts';
import type { JobPlan, Usage } from './plan-job.ts';
import type { RunEnding } from './run-state.ts';

/** How a run ended, as its report says it. */
export type FinalState = RunEnding['state'] | 'inconsistent';

/** What the fold needs of one part. */
export interface PartTally {
  readonly firstRow: number;
  readonly rowCount: number;
  readonly counts: OutcomeCounts;
  readonly recovered: number;
  /** Rows among `notAttempted` whose key a later row has; absent when there are none. */
  readonly superseded?: number;
}

/** Whether the parts cover the source exactly. */
export interface Proof {
  /** Rows 1 to n, each in exactly one part. */
  readonly tiles: boolean;
  readonly parts: number;
  readonly rowsCovered: number;
  /** The counts of every part add up to its rows. */
  readonly sumsAgree: boolean;
}

/** Rows no part covers: `from` to `to`, both included. */
export interface Gap {
  readonly from: number;
  readonly to: number;
}

export interface Books {
  readonly counts: OutcomeCounts;
  readonly recovered: number;
  readonly superseded: number;
  readonly proof: Proof;
  /** The first gaps and overlaps, for people. */
  readonly gaps: readonly Gap[];
  readonly overlaps: readonly Gap[];
}

const shownPlaces = 20;

/** Folds the parts, which must come in order of their first row. */
export function foldParts(parts: Iterable<PartTally>, rowCount: number): Books {
  let counts: OutcomeCounts = {};
  const gaps: Gap[] = [];
  const overlaps: Gap[] = [];
  const fold = { parts: 0, covered: 0, recovered: 0, superseded: 0, next: 1, tiles: true, sumsAgree: true };
  for (const part of parts) {
    if (part.firstRow > fold.next) gaps.push({ from: fold.next, to: part.firstRow - 1 });
    if (part.firstRow < fold.next) overlaps.push({ from: part.firstRow, to: fold.next - 1 });
    fold.tiles &&= part.firstRow === fold.next && part.rowCount > 0;
    fold.sumsAgree &&= totalOf(part.counts) === part.rowCount;
    fold.next = Math.max(fold.next, part.firstRow + part.rowCount);
    fold.parts += 1;
    fold.covered += part.rowCount;
    fold.recovered += part.recovered;
    fold.superseded += part.superseded ?? 0;
    counts = addCounts(counts, part.counts);
  }
  if (fold.next <= rowCount) gaps.push({ from: fold.next, to: rowCount });
  const tiles = fold.tiles && fold.next === rowCount + 1;
  return {
    counts,
    recovered: fold.recovered,
    superseded: fold.superseded,
    proof: { tiles, parts: fold.parts, rowsCovered: fold.covered, sumsAgree: fold.sumsAgree },
    gaps: gaps.slice(0, shownPlaces),
    overlaps: overlaps.slice(0, shownPlaces),
  };
}

/**
 * The state a run may claim. `completed` needs books that close; a run that ended early may have gaps (their rows are
 * `notAttempted`), but never overlaps, rows beyond the source, or sums that disagree.
 */
export function finalState(ending: RunEnding, books: Books, rowCount: number): FinalState {
  const { proof } = books;
  const sound = proof.sumsAgree && books.overlaps.length === 0 && proof.rowsCovered <= rowCount;
  if (!sound) return 'inconsistent';
  return ending.state === 'completed' && !proof.tiles ? 'inconsistent' : ending.state;
}

/** Counts in which the rows that no part covers appear as `notAttempted`, so that the total is the source's. */
export function settledCounts(books: Books, rowCount: number): OutcomeCounts {
  const missing = rowCount - books.proof.rowsCovered;
  return missing > 0 ? addCounts(books.counts, { notAttempted: missing }) : books.counts;
}

export interface FailureGroup {
  readonly code: string;
  readonly message: string;
  readonly count: number;
  readonly firstRow: number;
}

/** What `report.json` holds. */
export interface Report {
  readonly runId: string;
  readonly state: FinalState;
  readonly reason?: string;
  readonly connection: string;
  readonly table: string;
  readonly operation: string;
  readonly source: {
    readonly container: string;
    readonly blob: string;
    readonly etag: string;
    readonly bytes: number;
    readonly sha256: string | null;
  };
  /** Present when the rows were those of an earlier run. */
  readonly lineage?: Lineage;
  /** Null when the source was not indexed. */
  readonly rowsTotal: number | null;
  readonly counts: OutcomeCounts;
  readonly recovered: number;
  /** Rows among `notAttempted` whose key a later row of the file has. */
  readonly superseded: number;
  /** Null when the source was not indexed. */
  readonly proof: Proof | null;
  readonly gaps: readonly Gap[];
  readonly overlaps: readonly Gap[];
  readonly requests: number;
  readonly throttled: number;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly seconds: number;
  readonly rowsPerSecond: number | null;
  /** What was planned before a row was sent, and what came of it; null when nothing was sent. */
  readonly plan: { readonly planned: JobPlan; readonly actual: Usage } | null;
  readonly topFailures: readonly FailureGroup[];
  readonly faults: readonly Fault[];
  /** How the governor steered: the first and the latest changes. */
  readonly decisions: readonly Decision[];
}
