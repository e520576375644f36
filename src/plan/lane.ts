import type { OutcomeCounts } from './outcome.ts';
import type { SendSums } from './request-size.ts';
import { paceSeconds } from './spent-time.ts';
import type { Stretch } from './stretch.ts';
import { hundredths, sumOf } from './sum.ts';

/** The three service protection limits (learn.microsoft.com/power-apps/developer/data-platform/api-limits), and whatever else answers 429. */
export type ThrottleFacet = 'requests' | 'executionTime' | 'concurrency' | 'other';

/** 429 answers in all. */
export const throttlesIn = (throttles: LaneReport['throttles']): number => sumOf(Object.values(throttles));

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

/** What the `x-ms-ratelimit-*` headers of one server told a lane, first and last. */
export interface RateLeft {
  readonly firstRequests: number;
  readonly lastRequests: number;
  /** Execution time left, as last told. */
  readonly seconds: number;
}

const paceStepMs = paceSeconds * 1_000;

/**
 * The moment from which a lane that has been sending for so long may send again, in ms from the start of its box. Its pace says how many seconds
 * it may have spent by the end of each ten; within them it may spend evenly.
 */
export function mayGoOnAtMs(pace: readonly number[], busyMs: number): number {
  let before = 0;
  for (const [at, seconds] of pace.entries()) {
    const allowedMs = seconds * 1_000;
    if (allowedMs > busyMs) return paceStepMs * (at + Math.max(0, busyMs - before) / (allowedMs - before));
    before = allowedMs;
  }
  return pace.length * paceStepMs;
}

/** One request in a hundred was measured to take five times as long as others; so much of what is left of a box may one be expected to take. */
const shareOfRest = 0.5;
/** A request is not made smaller than this share of its size. */
export const leastOfSize = 0.25;

/**
 * Rows of the next request, so that it ends with the box even when it is one of the slow ones: the nearer the end, the fewer. All lanes of a wave
 * wait for its slowest.
 */
export function rowsBefore(
  boxEndMs: number,
  now: { readonly atMs: number; readonly rows: number; readonly rowMs: number },
): number {
  const fitting = Math.floor(((boxEndMs - now.atMs) * shareOfRest) / Math.max(0.01, now.rowMs));
  return Math.max(1, Math.ceil(now.rows * leastOfSize), Math.min(now.rows, fitting));
}

/** Notes a request of so many ms that was answered so long after the start of the box. */
export function notePaced(spent: number[], atMs: number, busyMs: number): void {
  const step = Math.max(0, Math.floor(atMs / paceStepMs));
  while (spent.length <= step) spent.push(0);
  spent[step] = hundredths((spent[step] ?? 0) + busyMs / 1_000);
}

/** Where a lane that stays on a server has sent. */
export interface LaneServer {
  /** The affinity cookie of the server that answered last; null when none did, or it named none. */
  readonly server: string | null;
  /** The lane took the server that it was given. */
  readonly scout: boolean;
  /** The server that was asked for and did not answer itself. */
  readonly gone?: string;
  readonly left?: RateLeft;
  /** Seconds of sending by the ten seconds of the box in which the answer came, which is when the service counts them. */
  readonly spent: readonly number[];
  /** ISO time of the first refusal. */
  readonly refusedAt?: string;
  /** ISO time before which that server wants nothing. */
  readonly notBeforeAt?: string;
  /** The lane ended its box because more was left than its grant had reckoned with. */
  readonly roomy?: true;
}

/** What a lane tells the orchestrator; well under 1 KB unless its work is in many pieces. */
export interface LaneReport {
  readonly end: LaneEnd;
  /** What is left of the stretches it was given. */
  readonly left: readonly Stretch[];
  /** Slices it left alone, because lives before it were never heard of again; absent where there are none. */
  readonly poisoned?: readonly Stretch[];
  /** Outcomes of the rows in the parts it committed or adopted. */
  readonly counts: OutcomeCounts;
  readonly recovered: number;
  /** HTTP requests sent. */
  readonly requests: number;
  /** Rows in them, each time they were sent. */
  readonly rowsSent: number;
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
  /** Present where lanes choose their servers. */
  readonly at?: LaneServer;
  /** For people: what happened, when `end` is `refused` or `unavailable`. */
  readonly detail?: string;
}
