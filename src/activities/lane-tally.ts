import type { SendLog } from '../dataverse/client.ts';
import type { LaneEnd, LaneReport, ThrottleFacet } from '../plan/lane.ts';
import { addCounts, type OutcomeCounts } from '../plan/outcome.ts';
import type { PartTally } from '../plan/report.ts';
import { noSends, type SendSums } from '../plan/request-size.ts';
import type { Stretch } from '../plan/stretch.ts';

/** What a lane adds up on its way. */
export interface LaneTally {
  counts: OutcomeCounts;
  recovered: number;
  requests: number;
  readonly throttles: Partial<Record<ThrottleFacet, number>>;
  sends: SendSums;
  busyMs: number;
  badRows: number;
  /** Rows rejected for whatever reason. */
  rejected: number;
  /** Time the lane has held back for its duty. */
  restedMs: number;
  dopHint: number | undefined;
}

export const newTally = (): LaneTally => ({
  counts: {},
  recovered: 0,
  requests: 0,
  throttles: {},
  sends: noSends,
  busyMs: 0,
  badRows: 0,
  rejected: 0,
  restedMs: 0,
  dopHint: undefined,
});

/** Counts a part that is in the ledger, whoever wrote it. */
export function tallyPart(tally: LaneTally, part: PartTally): void {
  tally.counts = addCounts(tally.counts, part.counts);
  tally.recovered += part.recovered;
}

/** Counts what sending has cost, whether or not it led to outcomes. */
export function tallyLog(tally: LaneTally, log: SendLog): void {
  tally.requests += log.requests;
  tally.busyMs += log.busyMs;
  tally.dopHint = log.dopHint ?? tally.dopHint;
  for (const { facet } of log.throttles) tally.throttles[facet] = (tally.throttles[facet] ?? 0) + 1;
}

export interface LaneStop {
  readonly end: LaneEnd;
  readonly left: readonly Stretch[];
  readonly waitMs?: number;
  readonly detail?: string;
}

export function reportOf(tally: LaneTally, stop: LaneStop): LaneReport {
  return {
    end: stop.end,
    left: stop.left,
    counts: tally.counts,
    recovered: tally.recovered,
    requests: tally.requests,
    throttles: tally.throttles,
    waitMs: stop.waitMs ?? 0,
    sends: tally.sends,
    busyMs: Math.round(tally.busyMs),
    badRows: tally.badRows,
    ...(tally.dopHint === undefined ? {} : { dopHint: tally.dopHint }),
    ...(stop.detail === undefined ? {} : { detail: stop.detail }),
  };
}
