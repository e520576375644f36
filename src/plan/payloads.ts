import type { Decision } from './decisions.ts';
import type { StoredCost } from './estimate.ts';
import type { Fault } from './fault.ts';
import type { LaneReport } from './lane.ts';
import type { PlanBounds } from './plan-job.ts';
import type { FinalState } from './report.ts';
import type { RunSpec } from './run-spec.ts';
import type { IndexedSource, ResumedRun, RunBounds, RunEnding, RunState } from './run-state.ts';
import type { Sent } from './sent.ts';
import type { Stretch } from './stretch.ts';
import type { Route } from './widths.ts';

/** Input of the orchestrator; `run` is present after a continue-as-new. */
export interface BulkRunInput {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly bounds: RunBounds;
  readonly run?: RunState;
  /** Requests in flight on average that earlier runs on the connection have found to be sustained; absent where none met a limit. */
  readonly ceiling?: number;
  /** The rows are those of an earlier run and have to be spooled first. */
  readonly spool?: true;
  /** The run lost its orchestration and goes on from its parts. */
  readonly resume?: true;
}

/** Output of the orchestrator. The report itself is in the ledger. */
export interface BulkRunOutput {
  readonly state: FinalState;
  readonly reason?: string;
}

export interface OpenRunInput {
  readonly runId: string;
  readonly spec: RunSpec;
}

/** Either everything is in order (the compiled mapping is in the ledger), or every fault found. */
export type OpenRunOutput =
  | { readonly dopHint?: number }
  | { readonly faults: readonly Fault[] }
  /** The environment ordered a wait, which is no fault. */
  | { readonly waitSeconds: number };

export interface SpoolRowsInput {
  readonly runId: string;
}

export type SpoolRowsOutput = { readonly rowCount: number } | { readonly faults: readonly Fault[] };

export interface ReadBooksInput {
  readonly runId: string;
}

/** What the parts of a run say is left; null when its source was never indexed. */
export type ReadBooksOutput = ResumedRun | null;

export interface IndexSourceInput {
  readonly runId: string;
  readonly spec: RunSpec;
  /** Lanes to be expected; more lanes make smaller slices. */
  readonly lanes: number;
  /** What the run's plan is made with. */
  readonly bounds: PlanBounds;
}

export type IndexSourceOutput = IndexedSource | { readonly faults: readonly Fault[] };

export interface SendRowsInput {
  readonly runId: string;
  readonly wave: number;
  readonly stretches: readonly Stretch[];
  /** ISO time at which the lane begins no further request. */
  readonly boxEndsAt: string;
  /** The lane stops when so many rows have an outcome; absent: no limit. */
  readonly rowLimit?: number;
  /** No other lane is at work, so that a slice which kills its process kills no other. */
  readonly alone?: true;
  /** The lane stops when it has rejected more rows; absent: no limit. */
  readonly mostRejected?: number;
  readonly rowsPerRequest: number;
  /** Share of its time the lane may spend sending, 0.1 to 1. */
  readonly duty: number;
  /** Present where lanes choose their servers. */
  readonly route?: LaneRoute;
  /** The hint the grant was made for; a lane that sees another one ends its box. */
  readonly dopHint: number | null;
}

/** What a lane that stays on a server is to do there. */
export interface LaneRoute extends Omit<Route, 'lanes' | 'duty'> {
  /** A wait that one server tells binds only what is sent there. */
  readonly independent: boolean;
  /** ISO time from which its pace counts. */
  readonly boxStartsAt: string;
}

export type SendRowsOutput = LaneReport;

/**
 * A `first` look leaves open what a late commit may still change; a `late` one leaves open only what cannot be read now; the `last` one
 * leaves nothing open.
 */
export type Look = 'first' | 'late' | 'last';

export interface SettleRunInput {
  readonly runId: string;
  readonly look: Look;
}

export interface SettleRunOutput {
  /** Rows that a later look has to decide. */
  readonly undecidedRows: number;
  /** Rows of slices that cannot be closed: to look at them kills, or their source has changed. */
  readonly lostRows: number;
}

export interface CloseRunInput {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly ending: RunEnding;
  readonly faults: readonly Fault[];
  readonly startedAt: string;
  readonly requests: number;
  readonly throttled: number;
  readonly decisions: readonly Decision[];
  /** Absent where nothing was sent. */
  readonly sent?: Sent;
  /** What the run's requests cost, for the plans of later runs; absent where too few were sent to tell. */
  readonly cost?: StoredCost;
}

export type CloseRunOutput = BulkRunOutput;
