import { longestRequestMs } from './request-size.ts';
import { windowSeconds } from './spent-time.ts';

/** A value that is not known for certain. */
export interface Interval {
  readonly least: number;
  readonly likely: number;
  readonly most: number;
}

export const certain = (value: number): Interval => ({ least: value, likely: value, most: value });

/** What is known or assumed of a job before, or while, it runs. */
export interface Job {
  readonly rows: Interval;
  readonly rowsPerRequest: number;
  /** Fixed cost of a request in ms; it is as uncertain as that of a row. */
  readonly overheadMs: number;
  readonly rowMs: Interval;
  /** Requests in flight on average that the environment bears: the recommended degree of parallelism, or a ceiling that was learned. */
  readonly sustained: Interval;
  /** Bound of the app, the connection or the spec on requests in flight. */
  readonly mostLanes: number;
}

/** The limit that a job will feel first. */
export type Binding = 'execution time' | 'requests' | 'lanes' | 'none (the job fits the credit of one window)';

export interface Estimate {
  /** Of sending; opening and closing come on top. */
  readonly seconds: Interval;
  readonly requests: number;
  /** Every row counts against the tenant's daily requests, in a bulk message too (learn.microsoft.com/power-platform/admin/api-request-limits-allocations). */
  readonly entitledRequests: number;
  readonly executionSeconds: number;
  readonly binding: Binding;
}

/** Requests a window and a server allow, and the lanes that execution time sustains there: 6,000 and 1,200 s in 300 s. */
const requestsPerWindow = 6_000;
const lanesPerServer = 4;

/**
 * How long a job will take. Assumes the documented limits and that the recommended number is what the execution-time limit sustains, four a
 * server (learn.microsoft.com/power-apps/developer/data-platform/api-limits).
 */
export function estimateJob(job: Job): Estimate {
  const { rows, rowMs, sustained } = job;
  const likely = courseOf(job, { rows: rows.likely, rowMs: rowMs.likely, sustained: sustained.likely });
  return {
    seconds: {
      least: lasting(courseOf(job, { rows: rows.least, rowMs: rowMs.least, sustained: sustained.most }), besides.least),
      likely: lasting(likely, besides.likely),
      most: lasting(courseOf(job, { rows: rows.most, rowMs: rowMs.most, sustained: sustained.least }), besides.most),
    },
    requests: likely.requests,
    entitledRequests: rows.likely,
    executionSeconds: likely.executionSeconds,
    binding: likely.binding,
  };
}

/** Time the service will spend on so many rows. */
export function executionSecondsOf({
  rows,
  rowsPerRequest,
  overheadMs,
  rowMs,
}: Readonly<Record<'rows' | 'rowsPerRequest' | 'overheadMs' | 'rowMs', number>>): number {
  return (Math.ceil(rows / rowsPerRequest) * overheadMs + rows * rowMs) / 1_000;
}

interface Course {
  readonly seconds: number;
  readonly requests: number;
  readonly executionSeconds: number;
  readonly binding: Binding;
}

/**
 * What a run loses beside its limits: waves and chance take a share; at the beginning few lanes learn what rows cost, and at the end most lanes have run
 * out of work while others wait for slow requests. Found in the simulator (docs/performance.md, *Plans and forecasts*).
 */
const besides = {
  least: { factor: 1, seconds: 0, requests: 1 },
  likely: { factor: 1.12, seconds: 1, requests: 3 },
  most: { factor: 1.25, seconds: 5, requests: 12 },
};

function lasting(
  { seconds, requests, executionSeconds }: Course,
  more: { readonly factor: number; readonly seconds: number; readonly requests: number },
): number {
  // A single request has neither a beginning nor an end.
  if (requests <= 1) return seconds;
  // Where rows cost more than was thought, requests get fewer of them.
  const requestSeconds = Math.min(longestRequestMs / 1_000, executionSeconds / requests);
  return seconds * more.factor + more.seconds + more.requests * requestSeconds;
}

/** One of the ways a job may go, if nothing but limits held it up. */
function courseOf(
  { rowsPerRequest, overheadMs: likelyOverheadMs, rowMs: { likely: likelyRowMs }, mostLanes }: Job,
  { rows, rowMs, sustained }: { readonly rows: number; readonly rowMs: number; readonly sustained: number },
): Course {
  const requests = Math.ceil(rows / rowsPerRequest);
  const overheadMs = likelyOverheadMs * (rowMs / likelyRowMs);
  const executionSeconds = executionSecondsOf({ rows, rowsPerRequest, overheadMs, rowMs });
  const course = bindingOf({ requests, executionSeconds, sustained, mostLanes });
  return { ...course, requests, executionSeconds };
}

/** How long work takes under the limits, and which of them it feels first. */
export function bindingOf(work: {
  readonly requests: number;
  readonly executionSeconds: number;
  readonly sustained: number;
  readonly mostLanes: number;
}): Pick<Course, 'seconds' | 'binding'> {
  const { requests, executionSeconds, sustained, mostLanes } = work;
  const sprint = sprintLanes({ sustained, workSeconds: executionSeconds, spentSeconds: 0 });
  if (sprint !== undefined) {
    // A lane for each request is all that a small job can use.
    const useful = Math.max(1, Math.min(sprint, requests));
    const lanes = Math.min(useful, mostLanes);
    const binding = lanes < useful ? 'lanes' : 'none (the job fits the credit of one window)';
    return { seconds: executionSeconds / lanes, binding };
  }
  const byRequests = (requests / ((requestsPerWindow * sustained) / lanesPerServer)) * windowSeconds;
  const byTime = executionSeconds / Math.min(sustained, mostLanes);
  if (byRequests > byTime) return { seconds: byRequests, binding: 'requests' };
  return { seconds: byTime, binding: mostLanes < sustained ? 'lanes' : 'execution time' };
}

/** Share of the credit that is planned with: some requests take five times as long, and where chance sends them, they fall on servers unevenly. */
const usableCredit = { byChance: 0.6, even: 0.8 };
/** How much faster than the sustained rate a sprint goes: well below the 13 times that the concurrency limit allows, and below where servers slow down. */
const sprintFactor = 2.5;

/**
 * The window limits look back: what was not used in the last five minutes is credit. Work that fits into it may run faster than the sustained
 * rate and be over before any limit is met. Undefined where it does not fit.
 */
export function sprintLanes(work: {
  readonly sustained: number;
  readonly workSeconds: number;
  readonly spentSeconds: number;
  /** How requests are spread over the servers. */
  readonly spread?: keyof typeof usableCredit;
}): number | undefined {
  const credit = work.sustained * windowSeconds * usableCredit[work.spread ?? 'byChance'] - work.spentSeconds;
  return work.workSeconds <= credit ? work.sustained * sprintFactor : undefined;
}

/** What a row and a request of one operation on one table were found to cost, kept for the plans of later runs. */
export interface StoredCost {
  readonly overheadMs: number;
  readonly rowMs: number;
  /** Share of rows that the service refused. */
  readonly badShare: number;
  /** Answers behind it. */
  readonly requests: number;
  /** ISO time at which the run that found it ended; absent before that is known. */
  readonly endedAt?: string;
}
