import type { SendLog } from '../dataverse/send-log.ts';
import type { ServerPin } from '../dataverse/server-pin.ts';
import { notePaced, type LaneEnd, type LaneReport, type LaneServer, type ThrottleFacet } from '../plan/lane.ts';
import type { LaneRoute } from '../plan/payloads.ts';
import { addCounts, type OutcomeCounts } from '../plan/outcome.ts';
import type { LifeMark } from '../plan/poison.ts';
import type { PartTally } from '../plan/report.ts';
import { noSends, type SendSums } from '../plan/request-size.ts';
import type { Stretch } from '../plan/stretch.ts';

/** What a lane adds up on its way. */
export interface LaneTally {
  counts: OutcomeCounts;
  recovered: number;
  requests: number;
  rowsSent: number;
  readonly throttles: Partial<Record<ThrottleFacet, number>>;
  sends: SendSums;
  busyMs: number;
  badRows: number;
  /** Rows rejected for whatever reason. */
  rejected: number;
  /** Time the lane has held back for its duty. */
  restedMs: number;
  dopHint: number | undefined;
  /** Seconds of sending by the ten seconds of the box, on the server that answered last. */
  spent: number[];
  refusedAtMs: number | undefined;
  /** Slices left alone. */
  readonly poisoned: Stretch[];
  /** Where this life was counted as one more, until it has got behind that row. */
  countedAt: LifeMark | undefined;
}

export const newTally = (): LaneTally => ({
  counts: {},
  recovered: 0,
  requests: 0,
  rowsSent: 0,
  throttles: {},
  sends: noSends,
  busyMs: 0,
  badRows: 0,
  rejected: 0,
  restedMs: 0,
  dopHint: undefined,
  spent: [],
  refusedAtMs: undefined,
  poisoned: [],
  countedAt: undefined,
});

/** Counts a part that is in the ledger, whoever wrote it. */
export function tallyPart(tally: LaneTally, part: PartTally): void {
  tally.counts = addCounts(tally.counts, part.counts);
  tally.recovered += part.recovered;
}

/** Counts what sending has cost, whether or not it led to outcomes. */
export function tallyLog(tally: LaneTally, log: SendLog, sinceBoxStartMs: number): void {
  tally.requests += log.requests;
  tally.rowsSent += log.rowsSent;
  tally.busyMs += log.busyMs;
  tally.dopHint = log.dopHint ?? tally.dopHint;
  tally.refusedAtMs ??= log.firstThrottledAtMs;
  notePaced(tally.spent, sinceBoxStartMs, log.busyMs);
  for (const { facet } of log.throttles) tally.throttles[facet] = (tally.throttles[facet] ?? 0) + 1;
}

export interface LaneStop {
  readonly end: LaneEnd;
  readonly left: readonly Stretch[];
  readonly waitMs?: number;
  readonly detail?: string;
}

export function reportOf(tally: LaneTally, stop: LaneStop, at?: LaneServer): LaneReport {
  return {
    end: stop.end,
    left: stop.left,
    ...(tally.poisoned.length === 0 ? {} : { poisoned: tally.poisoned }),
    counts: tally.counts,
    recovered: tally.recovered,
    requests: tally.requests,
    rowsSent: tally.rowsSent,
    throttles: tally.throttles,
    waitMs: stop.waitMs ?? 0,
    sends: tally.sends,
    busyMs: Math.round(tally.busyMs),
    badRows: tally.badRows,
    ...(tally.dopHint === undefined ? {} : { dopHint: tally.dopHint }),
    ...(at === undefined ? {} : { at }),
    ...(stop.detail === undefined ? {} : { detail: stop.detail }),
  };
}

/** Where a lane that stays on a server has sent. */
export function placeOf(
  { pin, route }: { readonly pin: ServerPin; readonly route: LaneRoute },
  tally: LaneTally,
  stopped: { readonly waitMs?: number | undefined; readonly nowMs: number },
): LaneServer {
  const waitMs = stopped.waitMs ?? 0;
  return {
    server: pin.server,
    scout: route.server === null,
    spent: tally.spent,
    ...(pin.gone === undefined ? {} : { gone: pin.gone }),
    ...(pin.left === undefined ? {} : { left: pin.left }),
    ...(isRoomy(pin, route) ? { roomy: true } : {}),
    ...(tally.refusedAtMs === undefined ? {} : { refusedAt: new Date(tally.refusedAtMs).toISOString() }),
    ...(waitMs > 0 ? { notBeforeAt: new Date(stopped.nowMs + waitMs).toISOString() } : {}),
  };
}

/** More is left than the grant had reckoned with. */
export const isRoomy = ({ left }: ServerPin, { leftSeconds }: LaneRoute): boolean =>
  left !== undefined && leftSeconds !== undefined && left.seconds > leftSeconds;
