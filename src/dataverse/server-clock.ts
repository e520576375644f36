import { readHttpDate } from './http-date.ts';

/** What the answers of an environment tell of its clock, which need not agree with ours. */
export interface ServerClock {
  /** Takes the `Date` of an answer that was on its way between two moments of our clock. */
  note(date: string | undefined, way: { readonly sentAtMs: number; readonly heardAtMs: number }): void;
  /**
   * A moment of our clock (ISO 8601) as the environment's clock may have shown it at the earliest, in whole seconds, in which the service
   * tells times. As long as no answer had a date, the clocks are taken to agree.
   */
  earliest(at: string): number;
}

/** How far the environment's clock is ahead of ours lies between these. */
interface Offset {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Dates are whole seconds, and a server may keep the text of one for a second more. */
const dateErrorMs = 2_000;
const remembered = 15;

export function createServerClock(): ServerClock {
  const offsets: Offset[] = [];
  return {
    note(date, { sentAtMs, heardAtMs }) {
      const dateMs = readHttpDate(date);
      if (dateMs === undefined) return;
      offsets.push({ fromMs: dateMs - heardAtMs, toMs: dateMs + dateErrorMs - sentAtMs });
      if (offsets.length > remembered) offsets.shift();
    },
    earliest: (at) => Math.floor((Date.parse(at) + leastOffsetMs(offsets)) / 1_000) * 1_000,
  };
}

/**
 * Where most of the offsets agree, as NTP chooses among its servers (Marzullo's algorithm): an answer that lies, or a clock that was wrong for a
 * moment, is outvoted, and one that was set right wins after some answers. Of places with equal votes the latest heard counts.
 */
function leastOffsetMs(offsets: readonly Offset[]): number {
  let best = { votes: 0, fromMs: 0 };
  for (const { fromMs } of offsets) {
    const votes = offsets.filter((other) => other.fromMs <= fromMs && fromMs <= other.toMs).length;
    if (votes >= best.votes) best = { votes, fromMs };
  }
  return best.fromMs;
}
