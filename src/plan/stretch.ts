/**
 * Rows still to be sent: from row `cursor` (or the first row of slice `from`) to the end of slice `to - 1`. A stretch only ever starts at
 * the start of a slice or where a committed part ended, so parts written twice by accident still tile the source.
 */
export interface Stretch {
  /** First slice. */
  readonly from: number;
  /** Behind the last slice. */
  readonly to: number;
  /** First row, when slice `from` is already begun. */
  readonly cursor?: number;
}

export const sliceCountOf = (stretches: readonly Stretch[]): number =>
  stretches.reduce((total, stretch) => total + stretch.to - stretch.from, 0);

/** In order, with neighbours joined. */
export function mergeStretches(stretches: readonly Stretch[]): readonly Stretch[] {
  const merged: Stretch[] = [];
  for (const stretch of stretches.toSorted((left, right) => left.from - right.from)) {
    const last = merged.at(-1);
    if (last?.to === stretch.from && stretch.cursor === undefined)
      merged[merged.length - 1] = { ...last, to: stretch.to };
    else merged.push(stretch);
  }
  return merged;
}

/** Cuts a stretch into its first `sliceCount` slices and the rest. */
export function splitStretch(stretch: Stretch, sliceCount: number): readonly [Stretch, Stretch] {
  const middle = stretch.from + sliceCount;
  return [
    { ...stretch, to: middle },
    { from: middle, to: stretch.to },
  ];
}
