import type { ThrottleFacet } from './lane.ts';

/** A wait that the environment has ordered. */
export interface OrderedWait {
  /** Number of the identity that has to wait, from 0 in the order of the connection's settings. */
  readonly sender: number;
  /** The server that wants nothing, where servers count for themselves; null: all of them. */
  readonly server: string | null;
  readonly facet: ThrottleFacet;
  /** ISO time. */
  readonly notBeforeAt: string;
}

const mostKept = 16;

/** The waits that are not over, longest first, one for each identity and server. What is shorter than another is in it. */
export function keepWaits(waits: readonly OrderedWait[], nowMs: number): readonly OrderedWait[] {
  const kept: OrderedWait[] = [];
  for (const wait of waits.toSorted((left, right) => right.notBeforeAt.localeCompare(left.notBeforeAt))) {
    const isOver = Date.parse(wait.notBeforeAt) <= nowMs;
    const isIn = (other: OrderedWait): boolean =>
      other.sender === wait.sender && (other.server === null || other.server === wait.server);
    if (!isOver && !kept.some(isIn)) kept.push(wait);
  }
  return kept.slice(0, mostKept);
}
