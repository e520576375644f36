import type { Decision } from './decisions.ts';
import type { Fault } from './fault.ts';
import type { LaneReport } from './lane.ts';
import type { FinalState } from './report.ts';
import type { RunSpec } from './run-spec.ts';
import type { IndexedSource, RunBounds, RunEnding, RunState } from './run-state.ts';
import type { Stretch } from './stretch.ts';

/** Input of the orchestrator; `run` is present after a continue-as-new. */
export interface BulkRunInput {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly bounds: RunBounds;
  readonly run?: RunState;
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
export type OpenRunOutput = { readonly dopHint?: number } | { readonly faults: readonly Fault[] };

export interface IndexSourceInput {
  readonly runId: string;
  readonly spec: RunSpec;
  /** Lanes to be expected; more lanes make smaller slices. */
  readonly lanes: number;
}

export type IndexSourceOutput = IndexedSource | { readonly faults: readonly Fault[] };

export interface SendRowsInput {
  readonly runId: string;
  readonly wave: number;
  readonly stretches: readonly Stretch[];
  /** ISO time at which the lane begins no further request. */
  readonly boxEndsAt: string;
  readonly rowsPerRequest: number;
  /** Share of its time the lane may spend sending, 0.1 to 1. */
  readonly duty: number;
  /** The hint the grant was made for; a lane that sees another one ends its box. */
  readonly dopHint: number | null;
}

export type SendRowsOutput = LaneReport;

export interface CloseRunInput {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly ending: RunEnding;
  readonly faults: readonly Fault[];
  readonly startedAt: string;
  /** Null when the source was not indexed. */
  readonly rowCount: number | null;
  readonly requests: number;
  readonly throttled: number;
  readonly decisions: readonly Decision[];
}

export type CloseRunOutput = BulkRunOutput;
