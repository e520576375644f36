import { totalOf, type OutcomeCounts } from './outcome.ts';
import { longestNote, type RunState } from './run-state.ts';

/** Stages a run passes through while its orchestration lives. */
export type RunStage = 'opening' | 'indexing' | 'running' | 'waiting' | 'closing';

/** The orchestration's custom status: small, and replaced as a whole. */
export interface RunStatus {
  readonly stage: RunStage;
  readonly progress: RunProgress | null;
  /** What holds the run up, for people; absent while all is well. */
  readonly note?: string;
}

export interface RunProgress {
  readonly rowsTotal: number;
  readonly rowsDone: number;
  readonly counts: OutcomeCounts;
  readonly rowsPerSecond: number | null;
  readonly etaSeconds: number | null;
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

export interface StatusDetail {
  readonly lanes?: number;
  readonly waitingUntil?: string;
}

export function statusOf(stage: RunStage, run: RunState, detail: StatusDetail = {}): RunStatus {
  const rowsDone = totalOf(run.counts);
  const rate = run.rowsPerSecond;
  return {
    stage,
    ...(run.note === null ? {} : { note: run.note }),
    progress: {
      rowsTotal: run.source.rowCount,
      rowsDone,
      counts: run.counts,
      rowsPerSecond: rate === null ? null : Math.round(rate * 10) / 10,
      etaSeconds: etaSeconds(run.source.rowCount - rowsDone, rate),
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

/** Seconds until the rows left are done at this rate; null while no rate is known. */
export function etaSeconds(rowsLeft: number, rowsPerSecond: number | null): number | null {
  return rowsPerSecond === null ? null : Math.ceil(Math.max(0, rowsLeft) / rowsPerSecond);
}

/** For a step that failed and is tried again: what people see meanwhile. */
export const troubled = (stage: RunStage, note: string): RunStatus => ({
  stage,
  progress: null,
  note: note.slice(0, longestNote),
});
