import type { CarriedLane } from './carried.ts';
import { note, type Decision } from './decisions.ts';
import { executionSecondsOf, type StoredCost } from './estimate.ts';
import type { Grant, LeaseRequest } from './governor.ts';
import type { WaveFeedback } from './law-state.ts';
import { totalOf, type OutcomeCounts } from './outcome.ts';
import type { Look } from './payloads.ts';
import { costOf, noFit, overheadOf, type RequestFit } from './request-size.ts';
import { afterWait, newTime, type RunTime, type WaitPassed } from './run-limits.ts';
import type { RunSpec } from './run-spec.ts';
import type { Sent } from './sent.ts';
import { sliceCountOf, type Stretch } from './stretch.ts';
import type { Wave } from './wave.ts';

/** What a run needs to know of its source between waves. */
export interface IndexedSource {
  readonly rowCount: number;
  readonly sliceCount: number;
}

/** How a run ends, decided before its books are closed. */
export interface RunEnding {
  readonly state: 'completed' | 'stopped' | 'stalled' | 'cancelled' | 'failed';
  /** For people; absent when there is nothing to say. */
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
  /** Lanes of earlier waves that are not back; their work is not pending. None when a generation or the run ends. */
  readonly carried: readonly CarriedLane[];
  /** Slices whose lanes were never heard of again; tried one at a time when nothing else is pending. */
  readonly suspects: readonly Stretch[];
  /** Slices that are not tried any more. */
  readonly givenUp: number;
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
  readonly time: RunTime;
  readonly ending: RunEnding | null;
  /** What went wrong in the last wave, for people; null when nothing did. */
  readonly note: string | null;
  /** History events of this generation, estimated from above. */
  readonly historyEvents: number;
}

/** Keeps each generation's history short: replay cost is linear in it. */
export const mostHistoryEvents = 2_000;
/** Scheduled, completed and, at worst, a turn of its own (two events) for each lane's completion. */
const eventsPerLane = 4;
const eventsPerWave = 16;
/** A timer that is created and fires, with a turn of its own. */
const eventsPerLook = 4;

export function beginRun(source: IndexedSource, dopHint: number | undefined, startedAt: string): RunState {
  return {
    source,
    startedAt,
    pending: source.sliceCount > 0 ? [{ from: 0, to: source.sliceCount }] : [],
    carried: [],
    suspects: [],
    givenUp: 0,
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
    time: newTime,
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

/** More to send or to hear of, and no reason to stop. */
export const hasWork = (run: RunState): boolean =>
  run.ending === null && run.pending.length + run.carried.length + run.suspects.length > 0;

/** The history is long enough; the run goes on in a new generation. */
export const generationIsFull = (run: RunState): boolean =>
  run.historyEvents > 0 && run.historyEvents + eventsOf(run.lanes) > mostHistoryEvents;

/** Before a wait of its own, a new generation, and where nothing is left to deal, lanes that are still out have to come back. */
export const needsQuiet = (run: RunState): boolean =>
  run.holdSeconds > 0 || run.pending.length === 0 || generationIsFull(run);

export const nextGeneration = (run: RunState): RunState => ({ ...run, historyEvents: 0 });

export const eventsOf = (lanes: number, looks = 0): number =>
  lanes * eventsPerLane + looks * eventsPerLook + eventsPerWave;

/** Whether another wave like this one fits into the history of the generation. */
export const fitsOneMore = (run: RunState, wave: Wave): boolean =>
  run.historyEvents + eventsOf(wave.lanes.length, wave.looks) + eventsOf(run.carried.length + wave.lanes.length) <=
  mostHistoryEvents;

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
  const carried = run.carried.length;
  // With nothing pending it is a suspect that is tried, alone.
  const wanted = Math.min(Math.max(1, sliceCountOf(run.pending) + carried), most, spec.options.maxLanes ?? most);
  return {
    runId,
    wanted,
    ...(carried === 0 ? {} : { carried }),
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
export const isProbing = ({ counts }: RunState): boolean => totalOf(counts) === (counts.rejected ?? 0);

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

/** A wait is a few events and no wave. What the last wave met is told to the governor once, by the lease that led to the wait. */
export const waited = (run: RunState, wait: WaitPassed): RunState => ({
  ...run,
  time: afterWait(run.time, wait),
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

/** Characters of an error that travel with the state and in the custom status. */
export const longestNote = 500;
