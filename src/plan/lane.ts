import type { OutcomeCounts } from './outcome.ts';
import type { SendSums } from './request-size.ts';
import type { Stretch } from './stretch.ts';

/** The three service protection limits (learn.microsoft.com/power-apps/developer/data-platform/api-limits), and whatever else answers 429. */
export type ThrottleFacet = 'requests' | 'executionTime' | 'concurrency' | 'other';

/** Why a lane ended. */
export type LaneEnd =
  /** All its stretches are done. */
  | 'done'
  /** The time box ended, or what was granted no longer fits what the environment says. */
  | 'box'
  /** The environment ordered a wait longer than the rest of the box. */
  | 'throttled'
  /** No answer, or none that could be used, after all attempts; its rows stay pending. */
  | 'unavailable'
  | 'cancelled'
  /** The run is paused; its orchestration is suspended. */
  | 'paused'
  /** Row after row is rejected for one reason, so that it is no matter of single rows. */
  | 'broken'
  /** The environment refuses this run whatever the row (privilege, table or column gone). */
  | 'refused';

/** What a lane tells the orchestrator; well under 1 KB unless its work is in many pieces. */
export interface LaneReport {
  readonly end: LaneEnd;
  /** What is left of the stretches it was given. */
  readonly left: readonly Stretch[];
  /** Outcomes of the rows in the parts it committed or adopted. */
  readonly counts: OutcomeCounts;
  readonly recovered: number;
  /** HTTP requests sent. */
  readonly requests: number;
  /** 429 answers by facet. */
  readonly throttles: Readonly<Partial<Record<ThrottleFacet, number>>>;
  /** Longest wait still ordered when the lane ended, in ms from its end. */
  readonly waitMs: number;
  /** The bulk messages that succeeded. */
  readonly sends: SendSums;
  /** Time with a request on its way, successful or not; waits for a throttle are not in it. */
  readonly busyMs: number;
  /** Rows the service refused. */
  readonly badRows: number;
  /** The latest `x-ms-dop-hint` seen. */
  readonly dopHint?: number;
  /** For people: what happened, when `end` is `refused` or `unavailable`. */
  readonly detail?: string;
}
