import type { OrderedWait } from './ordered-wait.ts';
import { addCounts, totalOf, type OutcomeCounts } from './outcome.ts';
import { longestNote, type RunState } from './run-state.ts';
import type { Sent } from './sent.ts';
import { sum } from './sum.ts';

/** Stages a run passes through while its orchestration lives. */
export type RunStage = 'opening' | 'indexing' | 'running' | 'waiting' | 'closing';

/** The orchestration's custom status: small, and replaced as a whole. */
export interface RunStatus {
  readonly stage: RunStage;
  readonly progress: RunProgress | null;
  /** What holds the run up, for people; absent while all is well. */
  readonly note?: string;
  /** ISO time at which the lanes of the current wave set off; absent between waves. */
  readonly waveStartedAt?: string;
  /** What was sent until the current wave; absent before the first. */
  readonly sent?: Sent;
}

export interface RunProgress {
  readonly rowsTotal: number;
  readonly rowsDone: number;
  readonly counts: OutcomeCounts;
  readonly rowsPerSecond: number | null;
  readonly wave: number;
  readonly lanes: number;
  readonly dopHint: number | null;
  /** Null before the first wave. */
  readonly rowsPerRequest: number | null;
  readonly requests: number;
  readonly throttled: number;
  /** ISO time before which nothing is sent, while waiting. */
  readonly waitingUntil: string | null;
}

/** What one host instance has done in one wave so far. */
export interface LiveTally {
  readonly wave: number;
  /** Rows of committed parts. */
  readonly rows: number;
  readonly counts: OutcomeCounts;
  readonly requests: number;
  readonly throttled: number;
  /** What it was ordered, as far as it was not over when this was written. */
  readonly waits?: readonly OrderedWait[];
}

export interface StatusDetail {
  readonly lanes?: number;
  readonly waveStartedAt?: string;
  readonly waitingUntil?: string;
}

export function statusOf(stage: RunStage, run: RunState, detail: StatusDetail = {}): RunStatus {
  const rowsDone = totalOf(run.counts);
  const rate = run.rowsPerSecond;
  return {
    stage,
    ...(run.note === null ? {} : { note: run.note }),
    ...(detail.waveStartedAt === undefined ? {} : { waveStartedAt: detail.waveStartedAt }),
    ...(run.sent === null ? {} : { sent: run.sent }),
    progress: {
      rowsTotal: run.source.rowCount,
      rowsDone,
      counts: run.counts,
      rowsPerSecond: rate === null ? null : toTenths(rate),
      wave: run.wave,
      lanes: detail.lanes ?? run.lanes,
      dopHint: run.dopHint,
      rowsPerRequest: run.rowsPerRequest,
      requests: run.requests,
      throttled: run.throttled,
      waitingUntil: detail.waitingUntil ?? null,
    },
  };
}

const toTenths = (rate: number): number => Math.round(rate * 10) / 10;

/** Below this, a wave's own rate says more of when its first parts came than of how fast it is. */
const leastWaveSeconds = 4;
/** A younger wave is seen together with as much of the wave before. */
const rateSeconds = 20;

function rateOf(rows: number, seconds: number, before: number | null): number | null {
  if (rows === 0 || seconds < leastWaveSeconds) return before;
  if (before === null) return toTenths(rows / seconds);
  const secondsBefore = Math.max(0, rateSeconds - seconds);
  return toTenths((rows + before * secondsBefore) / (seconds + secondsBefore));
}

/** Adds what the lanes of the current wave have done since the orchestrator last heard of them. */
export function withLive(
  progress: RunProgress,
  live: readonly LiveTally[],
  { waveStartedAt, nowMs }: { readonly waveStartedAt: string | undefined; readonly nowMs: number },
): RunProgress {
  if (waveStartedAt === undefined) return progress;
  const ofWave = live.filter((tally) => tally.wave === progress.wave);
  const rows = sum(ofWave, (tally) => tally.rows);
  const seconds = (nowMs - Date.parse(waveStartedAt)) / 1_000;
  const rowsDone = progress.rowsDone + rows;
  const rowsPerSecond = rateOf(rows, seconds, progress.rowsPerSecond);
  return {
    ...progress,
    rowsDone,
    counts: ofWave.reduce((total, tally) => addCounts(total, tally.counts), progress.counts),
    requests: progress.requests + sum(ofWave, (tally) => tally.requests),
    throttled: progress.throttled + sum(ofWave, (tally) => tally.throttled),
    rowsPerSecond,
  };
}

/** A run that is held sends nothing, at no rate. */
export const held = (progress: RunProgress): RunProgress => ({
  ...progress,
  rowsPerSecond: null,
  lanes: 0,
});

/** For a step that failed and is tried again: what people see meanwhile. */
export const troubled = (stage: RunStage, note: string): RunStatus => ({
  stage,
  progress: null,
  note: note.slice(0, longestNote),
});
