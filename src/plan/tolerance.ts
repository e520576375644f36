import { totalOf, type OutcomeCounts } from './outcome.ts';
import type { Tolerance } from './run-spec.ts';

/** A share says nothing before this many rows have an outcome. */
export const percentFromRows = 1_000;

/** Why the run has to stop, or undefined while what was rejected is tolerated. */
export function toleranceExceeded(
  counts: OutcomeCounts,
  tolerate: Pick<Tolerance, 'count' | 'percent'>,
): string | undefined {
  const rejected = counts.rejected ?? 0;
  const rows = totalOf(counts);
  if (tolerate.count !== undefined && rejected > tolerate.count) {
    return `${rejected} rows were rejected; the spec tolerates ${tolerate.count}.`;
  }
  if (tolerate.percent !== undefined && rows >= percentFromRows && rejected * 100 > tolerate.percent * rows) {
    return `${rejected} of ${rows} rows were rejected; the spec tolerates ${tolerate.percent} %.`;
  }
  return undefined;
}

/** Rows that may still be rejected before the run has to stop by their number; undefined where any number is tolerated. */
export function toleratedLeft(counts: OutcomeCounts, { count }: Pick<Tolerance, 'count'>): number | undefined {
  return count === undefined ? undefined : Math.max(0, count - (counts.rejected ?? 0));
}
