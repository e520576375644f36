import type { Fault } from '../src/plan/fault.ts';
import type { Operation } from '../src/plan/outcome.ts';
import type { JobPlan } from '../src/plan/plan-job.ts';
import type { Interval } from '../src/plan/estimate.ts';
import type { RunProgress as Progress } from '../src/plan/progress.ts';
import type { Report } from '../src/plan/report.ts';

/** Bodies of the HTTP API as docs/http-api.md describes them. */
export interface RunProgress extends Progress {
  /** Until the rows are done; null where nobody can tell, and once nothing is sent any more. */
  readonly secondsLeft: Interval | null;
}

export type RunState =
  | 'queued'
  | 'opening'
  | 'indexing'
  | 'running'
  | 'waiting'
  | 'paused'
  | 'closing'
  | 'completed'
  | 'stopped'
  | 'stalled'
  | 'cancelled'
  | 'failed'
  | 'inconsistent';

export interface RunLinks {
  readonly self: string;
  readonly cancel: string;
  readonly pause: string;
  readonly unpause: string;
  readonly resume: string;
  readonly redrive: string;
  readonly undo: string;
  readonly report: string;
  readonly failures: string;
}

export interface StartedRun {
  readonly runId: string;
  readonly links: RunLinks;
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
  /** What was planned when the file had been indexed; null before. */
  readonly plan: JobPlan | null;
  readonly progress: RunProgress | null;
  readonly faults: readonly Fault[];
  readonly lineage: { readonly kind: 'redrive' | 'undo'; readonly of: string; readonly root: string } | null;
  readonly children: readonly string[];
  /** What holds the run up, or why it ended early; null while all is well. */
  readonly note: string | null;
  readonly links: RunLinks;
}

export type RunReport = Report;

/** Answer of `POST /plans`. */
export interface RunPlan extends JobPlan {
  readonly rows: { readonly count: number; readonly exact: boolean; readonly least: number; readonly most: number };
  /** Why table and mapping are not checked; null when they are. */
  readonly unchecked: string | null;
}

const endStates: ReadonlySet<RunState> = new Set([
  'completed',
  'stopped',
  'stalled',
  'cancelled',
  'failed',
  'inconsistent',
]);

/** Whether a run in this state will never change again. */
export function hasEnded(state: RunState): boolean {
  return endStates.has(state);
}
