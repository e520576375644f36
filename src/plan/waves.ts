import { sliceCountOf, splitStretch, type Stretch } from './stretch.ts';

/** What one lane is given: stretches it works through in order. */
export type LaneWork = readonly Stretch[];

export interface Deal {
  readonly lanes: readonly LaneWork[];
  /** What no lane was given; it waits for the next wave. */
  readonly undealt: readonly Stretch[];
  /** A single slice that is tried with no other lane at work. */
  readonly alone?: true;
}

/**
 * Deals the pending stretches over at most `laneCount` lanes.
 *
 * `even` cuts the work into equal shares, so that all lanes end together; right when the work is about to run out. Otherwise each lane gets
 * one stretch as it is (the longest are halved while there are too few): lanes then stop by the clock anyway, and the number of stretches,
 * which the run's state carries, does not grow.
 */
export function dealLanes(pending: readonly Stretch[], laneCount: number, options: { readonly even: boolean }): Deal {
  return options.even ? { lanes: dealEvenly(pending, laneCount), undealt: [] } : dealWhole(pending, laneCount);
}

/** The first slice of those that may kill the process which sends them. */
export function dealAlone(suspects: readonly Stretch[]): Deal {
  const [first, ...others] = suspects;
  if (first === undefined) return { lanes: [], undealt: [] };
  const [slice, rest] = splitStretch(first, 1);
  return { lanes: [[slice]], undealt: rest.from < rest.to ? [rest, ...others] : others, alone: true };
}

function dealEvenly(pending: readonly Stretch[], laneCount: number): readonly LaneWork[] {
  const lanes: LaneWork[] = [];
  let rest = [...pending];
  for (let lane = 0; lane < laneCount && rest.length > 0; lane += 1) {
    const share = Math.ceil(sliceCountOf(rest) / (laneCount - lane));
    const [work, left] = takeSlices(rest, share);
    lanes.push(work);
    rest = [...left];
  }
  return lanes;
}

function takeSlices(stretches: readonly Stretch[], sliceCount: number): readonly [LaneWork, readonly Stretch[]] {
  const taken: Stretch[] = [];
  let missing = sliceCount;
  for (const [index, stretch] of stretches.entries()) {
    const length = stretch.to - stretch.from;
    if (length > missing) {
      const [head, tail] = splitStretch(stretch, missing);
      return [missing > 0 ? [...taken, head] : taken, [missing > 0 ? tail : stretch, ...stretches.slice(index + 1)]];
    }
    taken.push(stretch);
    missing -= length;
  }
  return [taken, []];
}

function dealWhole(pending: readonly Stretch[], laneCount: number): Deal {
  const stretches = [...pending];
  while (stretches.length < laneCount) {
    const longest = stretches.reduce(
      (best, stretch, index) => (lengthAt(stretches, best) >= stretch.to - stretch.from ? best : index),
      0,
    );
    const half = Math.floor(lengthAt(stretches, longest) / 2);
    const stretch = stretches[longest];
    if (half === 0 || stretch === undefined) break;
    stretches.splice(longest, 1, ...splitStretch(stretch, half));
  }
  const byLength = stretches.toSorted(
    (left, right) => right.to - right.from - (left.to - left.from) || left.from - right.from,
  );
  return { lanes: byLength.slice(0, laneCount).map((stretch) => [stretch]), undealt: byLength.slice(laneCount) };
}

function lengthAt(stretches: readonly Stretch[], index: number): number {
  const stretch = stretches[index];
  return stretch === undefined ? 0 : stretch.to - stretch.from;
}
