import type { Fault } from '../src/plan/fault.ts';
import type { Operation, OutcomeCounts } from '../src/plan/outcome.ts';

/** Bodies of the HTTP API as docs/http-api.md describes them. */
export type RunState =
  | 'queued'
  | 'opening'
  | 'indexing'
  | 'running'
  | 'waiting'
  | 'closing'
  | 'completed'
  | 'stopped'
  | 'cancelled'
  | 'failed'
  | 'inconsistent';

export interface RunLinks {
  readonly self: string;
  readonly cancel: string;
  readonly report: string;
  readonly failures: string;
}

export interface StartedRun {
  readonly runId: string;
  readonly links: RunLinks;
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
  /** Requests the environment answered with 429. */
  readonly throttled: number;
  /** ISO 8601 UTC; set while the run waits as the environment asked. */
  readonly waitingUntil: string | null;
}

export interface RunView {
  readonly runId: string;
  readonly state: RunState;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly connection: string;
  readonly table: string;
  readonly operation: Operation;
  readonly source: { readonly container: string; readonly blob: string };
  readonly progress: RunProgress | null;
  readonly faults: readonly Fault[];
  readonly links: RunLinks;
}

export interface RunReport {
  readonly runId: string;
  readonly state: RunState;
  readonly source: {
    readonly container: string;
    readonly blob: string;
    readonly etag: string;
    readonly bytes: number;
    readonly sha256: string;
  };
  readonly rowsTotal: number;
  readonly counts: OutcomeCounts;
  /** Rows whose outcome was learned by a verifying read or a repeated request. */
  readonly recovered: number;
  readonly proof: {
    readonly tiles: boolean;
    readonly parts: number;
    readonly rowsCovered: number;
    readonly sumsAgree: boolean;
  };
  readonly requests: number;
  readonly throttled: number;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly seconds: number;
  readonly rowsPerSecond: number;
  readonly topFailures: readonly TopFailure[];
}

export interface TopFailure {
  readonly code: string;
  readonly message: string;
  readonly count: number;
  readonly firstRow: number;
}

const endStates: ReadonlySet<RunState> = new Set(['completed', 'stopped', 'cancelled', 'failed', 'inconsistent']);

/** Whether a run in this state will never change again. */
export function hasEnded(state: RunState): boolean {
  return endStates.has(state);
}
