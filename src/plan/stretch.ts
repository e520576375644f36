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
  /**
   * Present where slice `from`, then the only one, was set aside: ISO time before which it is left alone, because something that was sent of its
   * rows may take effect until then.
   */
  readonly notBeforeAt?: string;
}

/** Whether a stretch may be worked on. */
export const isDue = ({ notBeforeAt }: Stretch, nowMs: number): boolean =>
  notBeforeAt === undefined || Date.parse(notBeforeAt) <= nowMs;

export const sliceCountOf = (stretches: readonly Stretch[]): number =>
  stretches.reduce((total, stretch) => total + stretch.to - stretch.from, 0);

/** In order, with neighbours joined, unless one was set aside. */
export function mergeStretches(stretches: readonly Stretch[]): readonly Stretch[] {
  const merged: Stretch[] = [];
  for (const stretch of stretches.toSorted((left, right) => left.from - right.from)) {
    const last = merged.at(-1);
    if (last?.to === stretch.from && stretch.cursor === undefined && !isSetAside(last) && !isSetAside(stretch))
      merged[merged.length - 1] = { ...last, to: stretch.to };
    else merged.push(stretch);
  }
  return merged;
}

const isSetAside = ({ notBeforeAt }: Stretch): boolean => notBeforeAt !== undefined;

/** Cuts a stretch into its first `sliceCount` slices and the rest. */
export function splitStretch(stretch: Stretch, sliceCount: number): readonly [Stretch, Stretch] {
  const middle = stretch.from + sliceCount;
  return [
    { ...stretch, to: middle },
    { from: middle, to: stretch.to },
  ];
}
