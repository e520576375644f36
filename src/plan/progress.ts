import { totalOf, type OutcomeCounts } from './outcome.ts';
import type { RunState } from './run-state.ts';

/** Stages a run passes through while its orchestration lives. */
export type RunStage = 'opening' | 'indexing' | 'running' | 'waiting' | 'closing';

/** The orchestration's custom status: small, and replaced as a whole. */
export interface RunStatus {
  readonly stage: RunStage;
  readonly progress: RunProgress | null;
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
  readonly rowsPerRequest: number;
  readonly requests: number;
  readonly throttled: number;
  /** ISO time before which nothing is sent, while waiting. */
  readonly waitingUntil: string | null;
}

export interface StatusDetail {
  readonly rowsPerRequest: number;
  readonly lanes?: number;
  readonly waitingUntil?: string;
}

export function statusOf(stage: RunStage, run: RunState, detail: StatusDetail): RunStatus {
  const rowsDone = totalOf(run.counts);
  const rate = run.rowsPerSecond;
  return {
    stage,
    progress: {
      rowsTotal: run.source.rowCount,
      rowsDone,
      counts: run.counts,
      rowsPerSecond: rate === null ? null : Math.round(rate * 10) / 10,
      etaSeconds: rate === null ? null : Math.ceil((run.source.rowCount - rowsDone) / rate),
      wave: run.wave,
      lanes: detail.lanes ?? run.lanes,
      dopHint: run.dopHint,
      rowsPerRequest: detail.rowsPerRequest,
      requests: run.requests,
      throttled: run.throttled,
      waitingUntil: detail.waitingUntil ?? null,
    },
  };
}
