import type { ThrottleFacet } from '../plan/lane.ts';
import type { OrderedWait } from '../plan/ordered-wait.ts';

export interface ThrottleEvent {
  readonly facet: ThrottleFacet;
  /** What the answer told, or what we took in its place. */
  readonly retryAfterMs: number;
}

/** What sending has cost; filled by `send`, also when it throws. One log may serve many requests. */
export interface SendLog {
  /** HTTP requests, repeats included. */
  requests: number;
  /** Rows written by them, each time they were sent; what a limit refused unseen is left out. */
  rowsSent: number;
  readonly throttles: ThrottleEvent[];
  /** When the first of them came, on the client's clock. */
  firstThrottledAtMs?: number;
  /** When a request last ended of which the service itself has told no end: it may take effect until the service's time limit. */
  unheardAtMs?: number;
  /** Time with a request on its way; waits are not in it. */
  busyMs: number;
  /** The latest `x-ms-dop-hint`, which is per identity, summed over the identities of the connection. */
  dopHint?: number;
  /** Called as soon as a wait is ordered, before anybody keeps it. */
  readonly ordered?: (wait: OrderedWait) => void;
}

export function newSendLog(ordered?: SendLog['ordered']): SendLog {
  return { requests: 0, rowsSent: 0, throttles: [], busyMs: 0, ...(ordered !== undefined && { ordered }) };
}
