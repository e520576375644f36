import { note, type Decision } from './decisions.ts';
import { executionSecondsOf, type StoredCost } from './estimate.ts';
import type { Grant, LeaseRequest } from './governor.ts';
import type { WaveFeedback } from './law-state.ts';
import type { Look } from './payloads.ts';
import type { LaneReport } from './lane.ts';
import { addCounts, totalOf, type OutcomeCounts } from './outcome.ts';
import { addSends, costOf, learn, noFit, noSends, overheadOf, type RequestFit } from './request-size.ts';
import type { RunSpec } from './run-spec.ts';
import { addSent, type Sent } from './sent.ts';
import { isDue, mergeStretches, sliceCountOf, type Stretch } from './stretch.ts';
import { toleranceExceeded } from './tolerance.ts';
import { feedbackOf } from './wave-feedback.ts';
import { dealLanes, type Deal } from './waves.ts';

/** What a run needs to know of its source between waves. */
export interface IndexedSource {
  readonly rowCount: number;
  readonly sliceCount: number;
}

/** How a run ends, decided before its books are closed. */
export interface RunEnding {
  readonly state: 'completed' | 'stopped' | 'cancelled' | 'failed';
  /** For people; absent when completed. */
  readonly reason?: string;
}

/**
 * Everything a run carries from wave to wave, and through continue-as-new. Plain JSON. Its size grows with the number of lanes, not with
 * the number of rows.
 */
export interface RunState {
  readonly source: IndexedSource;
  readonly startedAt: string;
  readonly pending: readonly Stretch[];
  readonly counts: OutcomeCounts;
  readonly recovered: number;
  readonly requests: number;
  readonly throttled: number;
  /** What was sent since the run began or was resumed; null before its first wave. */
  readonly sent: Sent | null;
  readonly wave: number;
  readonly lanes: number;
  readonly dopHint: number | null;
  /** Rows per second of the last wave that sent any; null before. */
  readonly rowsPerSecond: number | null;
  /** Slices one lane did per second in the last wave; null before. */
  readonly slicesPerLaneSecond: number | null;
  readonly feedback: WaveFeedback | null;
  /** What this run's requests cost. */
  readonly fit: RequestFit;
  readonly rowsPerRequest: number | null;
  /** The latest decisions of the governor. */
  readonly decisions: readonly Decision[];
  /** How long this run alone holds back: something other than the environment's limits failed, or all that is left was set aside. */
  readonly holdSeconds: number;
  /** Waves in a row without a new outcome. */
  readonly idleWaves: number;
  readonly ending: RunEnding | null;
  /** What went wrong in the last wave, for people; null when nothing did. */
  readonly note: string | null;
  /** History events of this generation, estimated from above. */
  readonly historyEvents: number;
}

/** A run that makes no progress for this many waves (each ends with a wait of up to a minute) is given up, redrivable. */
export const mostIdleWaves = 60;
/** Keeps each generation's history short: replay cost is linear in it. */
export const mostHistoryEvents = 2_000;
/** Scheduled, completed and, at worst, a turn of its own (two events) for each lane's completion. */
const eventsPerLane = 4;
const eventsPerWave = 12;
/** Work for fewer boxes than this is dealt evenly, so that the lanes end together. */
const evenWithinBoxes = 3;

export function beginRun(source: IndexedSource, dopHint: number | undefined, startedAt: string): RunState {
  return {
    source,
    startedAt,
    pending: source.sliceCount > 0 ? [{ from: 0, to: source.sliceCount }] : [],
    counts: {},
    recovered: 0,
    requests: 0,
    throttled: 0,
    sent: null,
    wave: 0,
    lanes: 0,
    dopHint: dopHint ?? null,
    rowsPerSecond: null,
    slicesPerLaneSecond: null,
    feedback: null,
    fit: noFit,
    rowsPerRequest: null,
    decisions: [],
    holdSeconds: 0,
    idleWaves: 0,
    ending: null,
    note: null,
    historyEvents: 0,
  };
}

/** What the ledger knows of a run whose orchestration is gone. */
export interface ResumedRun {
  readonly source: IndexedSource;
  readonly pending: readonly Stretch[];
  readonly counts: OutcomeCounts;
  readonly recovered: number;
}

export const resumeRun = (resumed: ResumedRun, dopHint: number | undefined, startedAt: string): RunState => ({
  ...beginRun(resumed.source, dopHint, startedAt),
  ...resumed,
});

const lateLooks = 10;
const betweenLateLooksSeconds = 60;

/** When a run that ends early looks for rows it lost sight of. An environment that does not answer gets ten minutes to do so. */
export function looks(settleSeconds: number): readonly { readonly look: Look; readonly waitSeconds: number }[] {
  const late = Array.from({ length: lateLooks }, (_, at) => ({
    look: 'late' as const,
    waitSeconds: at === 0 ? settleSeconds : betweenLateLooksSeconds,
  }));
  return [{ look: 'first', waitSeconds: 0 }, ...late, { look: 'last', waitSeconds: 0 }];
}

/** More to send, and no reason to stop. */
export const hasWork = (run: RunState): boolean => run.ending === null && run.pending.length > 0;

/** The history is long enough; the run goes on in a new generation. */
export const generationIsFull = (run: RunState): boolean =>
  run.historyEvents > 0 && run.historyEvents + eventsOf(run.lanes) > mostHistoryEvents;

export const nextGeneration = (run: RunState): RunState => ({ ...run, historyEvents: 0 });

const eventsOf = (lanes: number): number => lanes * eventsPerLane + eventsPerWave;

export interface RunBounds {
  /** Of the app's settings. */
  readonly maxLanes: number;
  /** Of the connection's settings. */
  readonly maxDop?: number;
  /** Of the connection's settings: the hint is no bound. */
  readonly beyondHint?: boolean;
  /** Of the connection's settings: lanes may choose their servers. */
  readonly affinity?: boolean;
  /** How long a request that nobody heard of again may still take effect. */
  readonly settleSeconds: number;
}

export function leaseRequest(runId: string, run: RunState, spec: RunSpec, bounds: RunBounds): LeaseRequest {
  const most = isProbing(run) ? 1 : bounds.maxLanes;
  const wanted = Math.min(sliceCountOf(run.pending), most, spec.options.maxLanes ?? most);
  return {
    runId,
    wanted,
    fit: run.fit,
    ...workOf(run),
    ...(spec.options.rowsPerRequest === undefined ? {} : { rowsPerRequest: spec.options.rowsPerRequest }),
    ...(bounds.maxDop === undefined ? {} : { maxDop: bounds.maxDop }),
    ...(bounds.beyondHint === undefined ? {} : { beyondHint: bounds.beyondHint }),
    ...(bounds.affinity === undefined ? {} : { affinity: bounds.affinity }),
    ...(run.dopHint === null ? {} : { hint: run.dopHint }),
    ...(run.feedback === null ? {} : { feedback: run.feedback }),
  };
}

/** Rows of the first request of a run, which is sent alone. */
export const canaryRows = 10;

/**
 * Until a row has gone through, one lane feels its way: a fault of all rows (a privilege, a column, an inactive key) then costs a handful of
 * rows instead of one wave of all lanes.
 */
const isProbing = ({ counts }: RunState): boolean => totalOf(counts) === (counts.rejected ?? 0);

/** Bound of what a lane does in the next wave, where there is one. */
export const rowLimitOf = ({ counts }: RunState): number | undefined =>
  totalOf(counts) === 0 ? canaryRows : undefined;

/** Before this many answers, what is left to do is not known well enough to plan with. */
const leastMeasured = 8;

function workOf({ source, counts, fit, rowsPerRequest }: RunState): { readonly workSeconds?: number } {
  if (fit.rowMs === null || fit.requests < leastMeasured || rowsPerRequest === null) return {};
  const rows = source.rowCount - totalOf(counts);
  return { workSeconds: executionSecondsOf({ rows, rowsPerRequest, overheadMs: overheadOf(fit), rowMs: fit.rowMs }) };
}

/** Keeps the grant's size of requests, and the decision behind it when there was one. */
export const granted = (run: RunState, grant: Grant, at: string): RunState => ({
  ...run,
  rowsPerRequest: grant.rowsPerRequest,
  decisions: note(run.decisions, run.wave, grant, at),
});

/** The next wave: which lane gets what. Slices that were set aside wait until they are due. */
export function planWave(run: RunState, grant: Grant, nowMs: number): Deal {
  const due = run.pending.filter((stretch) => isDue(stretch, nowMs));
  // A run only comes here when something is due; should its timer be early, a lane can cope.
  const work = due.length > 0 ? due : run.pending;
  const { lanes, undealt } = dealWork(run, grant, work);
  return { lanes, undealt: [...undealt, ...run.pending.filter((stretch) => !work.includes(stretch))] };
}

function dealWork(run: RunState, grant: Grant, work: readonly Stretch[]): Deal {
  if (isProbing(run)) return dealLanes(work, 1, { even: false });
  const reach =
    run.slicesPerLaneSecond === null ? null : run.slicesPerLaneSecond * grant.boxSeconds * grant.lanes * grant.duty;
  const even = reach === null || sliceCountOf(work) <= reach * evenWithinBoxes;
  return dealLanes(work, grant.lanes, { even });
}

/** A lane whose activity failed has no report: its work is pending again, and what it committed is adopted by the next lane. */
export type LaneResult = LaneReport | { readonly lost: readonly Stretch[]; readonly detail: string };

export interface WaveTimes {
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Folds one wave into the run's state. */
export function absorb(
  run: RunState,
  spec: RunSpec,
  deal: Deal,
  results: readonly LaneResult[],
  times: WaveTimes,
): RunState {
  const reports = results.filter((result) => 'end' in result);
  const counts = reports.reduce<OutcomeCounts>((sum, report) => addCounts(sum, report.counts), run.counts);
  const done = totalOf(counts) - totalOf(run.counts);
  const pending = mergeStretches([
    ...deal.undealt,
    ...results.flatMap((result) => ('end' in result ? result.left : result.lost)),
  ]);
  const seconds = Math.max(0.001, (times.endedMs - times.startedMs) / 1_000);
  const slicesDone = sliceCountOf(run.pending) - sliceCountOf(pending);
  const next: RunState = {
    ...run,
    pending,
    counts,
    recovered: run.recovered + sum(reports, (report) => report.recovered),
    requests: run.requests + sum(reports, (report) => report.requests),
    throttled: run.throttled + sum(reports, (report) => sum(Object.values(report.throttles), (count) => count)),
    sent: addSent(run.sent, reports, { rows: done, ...times }),
    wave: run.wave + 1,
    lanes: deal.lanes.length,
    dopHint: latestHint(reports, run.dopHint),
    // The few rows that go ahead alone say nothing about a wave.
    rowsPerSecond: done > 0 && rowLimitOf(run) === undefined ? done / seconds : run.rowsPerSecond,
    slicesPerLaneSecond: slicesDone > 0 ? slicesDone / deal.lanes.length / seconds : run.slicesPerLaneSecond,
    feedback: feedbackOf(reports, { seconds, lanes: deal.lanes.length }),
    fit: learn(
      run.fit,
      reports.reduce((sends, report) => addSends(sends, report.sends), noSends),
      { taken: takenOf(counts) - takenOf(run.counts), bad: sum(reports, (report) => report.badRows) },
      seconds,
    ),
    holdSeconds: Math.max(isUnavailable(results) ? unavailableHoldSeconds : 0, untilDueSeconds(pending, times.endedMs)),
    idleWaves: done > 0 ? 0 : run.idleWaves + 1,
    note: detailOf(results)?.slice(0, longestNote) ?? null,
    historyEvents: run.historyEvents + eventsOf(deal.lanes.length),
  };
  return { ...next, ending: endingOf(next, spec, results) };
}

const takenOf = (counts: OutcomeCounts): number => takenKinds.reduce((rows, kind) => rows + (counts[kind] ?? 0), 0);
const takenKinds = ['created', 'updated', 'upserted', 'deleted', 'alreadyAbsent'] as const;

/** A wait is a few events and no wave. What the last wave met is told to the governor once, by the lease that led to the wait. */
export const waited = (run: RunState): RunState => ({
  ...run,
  feedback: run.holdSeconds > 0 ? run.feedback : null,
  holdSeconds: 0,
  historyEvents: run.historyEvents + eventsPerWave,
});

/** What the run has learned of its table, as far as it is worth keeping. */
export function costLearned({ fit }: RunState): { readonly cost?: StoredCost } {
  if (fit.rowMs === null || fit.requests < leastMeasured) return {};
  return { cost: { ...costOf(fit), requests: Math.round(fit.requests) } };
}

/** Something between the waves failed for good; what is in the ledger is closed. */
export const brokenOff = (run: RunState, reason: string): RunState => ({
  ...run,
  ending: { state: 'stopped', reason },
});

export const cancelledOnRequest: RunEnding = { state: 'cancelled', reason: 'Cancelled on request.' };

export const cancelled = (run: RunState): RunState => ({ ...run, ending: cancelledOnRequest });

function endingOf(run: RunState, spec: RunSpec, results: readonly LaneResult[]): RunEnding | null {
  const reports = results.filter((result) => 'end' in result);
  const refused = reports.find((report) => report.end === 'refused');
  if (refused !== undefined) return { state: 'stopped', reason: refused.detail ?? 'The environment refused the run.' };
  const broken = reports.find((report) => report.end === 'broken');
  if (broken !== undefined) return { state: 'stopped', reason: broken.detail ?? 'Every row is rejected.' };
  if (reports.some((report) => report.end === 'cancelled')) return cancelled(run).ending;
  const exceeded = toleranceExceeded(run.counts, spec.options.tolerate);
  if (exceeded !== undefined) return { state: 'stopped', reason: exceeded };
  if (run.pending.length > 0 && run.idleWaves >= mostIdleWaves) {
    return { state: 'stopped', reason: `No row got an outcome in ${mostIdleWaves} waves. ${run.note ?? ''}`.trim() };
  }
  return null;
}

const detailOf = (results: readonly LaneResult[]): string | undefined =>
  results.map((result) => result.detail).find((detail) => detail !== undefined);

/** Characters of an error that travel with the state and in the custom status. */
export const longestNote = 500;

/** How long a run holds back after a wave in which the environment, or the platform under a lane, gave no usable answer. */
const unavailableHoldSeconds = 15;

const isUnavailable = (results: readonly LaneResult[]): boolean =>
  results.some((result) => !('end' in result) || result.end === 'unavailable');

/** Slices that were set aside travel with the state; so many say that something is wrong for all. */
const mostSetAside = 256;

/** How long there is nothing to do, because every slice was set aside, or too many were. */
function untilDueSeconds(pending: readonly Stretch[], nowMs: number): number {
  const later = pending.filter((stretch) => !isDue(stretch, nowMs));
  if (later.length === 0 || (later.length < pending.length && later.length <= mostSetAside)) return 0;
  const nextMs = Math.min(...later.map(({ notBeforeAt = '' }) => Date.parse(notBeforeAt)));
  return Math.ceil((nextMs - nowMs) / 1_000);
}

/** Lanes that ended early still report the hint from before; a changed one is the later. */
const latestHint = (reports: readonly LaneReport[], known: number | null): number | null =>
  reports.reduce<number | null>(
    (hint, { dopHint }) => (dopHint === undefined || dopHint === known ? hint : dopHint),
    known,
  );

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
