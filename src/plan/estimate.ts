import { fallbackHint } from './law-state.ts';
import { sizeFor } from './request-size.ts';
import { windowSeconds } from './spent-time.ts';

/** What is known or assumed of a job before, or while, it runs. */
export interface Job {
  readonly rows: number;
  readonly rowsPerRequest: number;
  /** Fixed cost of a request and cost of a row, in ms. */
  readonly overheadMs: number;
  readonly rowMs: number;
  /** How far off the cost may be, as a factor: 1.2 for a fit of the same table, 3 for a guess. */
  readonly doubt: number;
  /** The recommended degree of parallelism, or a ceiling that was learned. */
  readonly sustained: number;
  /** Bound of the app, the connection or the spec on requests in flight. */
  readonly mostLanes: number;
}

/** The limit that a job will feel first. */
export type Binding = 'execution time' | 'requests' | 'lanes' | 'none (the job fits the credit of one window)';

export interface Estimate {
  /** Seconds of sending; opening and closing come on top. */
  readonly seconds: { readonly least: number; readonly likely: number; readonly most: number };
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
 * server (learn.microsoft.com/power-apps/developer/data-platform/api-limits); `doubt` makes the interval.
 */
export function estimateJob(job: Job): Estimate {
  const requests = Math.ceil(job.rows / job.rowsPerRequest);
  const executionSeconds = executionSecondsOf(job);
  const likely = duration(job, requests, executionSeconds);
  return {
    seconds: {
      least: duration(job, requests, executionSeconds / job.doubt).seconds,
      likely: likely.seconds,
      most: duration(job, requests, executionSeconds * job.doubt).seconds,
    },
    requests,
    entitledRequests: job.rows,
    executionSeconds,
    binding: likely.binding,
  };
}

/** Time the service will spend on so many rows. */
export function executionSecondsOf({
  rows,
  rowsPerRequest,
  overheadMs,
  rowMs,
}: Pick<Job, 'rows' | 'rowsPerRequest' | 'overheadMs' | 'rowMs'>): number {
  return (Math.ceil(rows / rowsPerRequest) * overheadMs + rows * rowMs) / 1_000;
}

function duration(
  { sustained, mostLanes }: Job,
  requests: number,
  executionSeconds: number,
): { readonly seconds: number; readonly binding: Binding } {
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

/**
 * Before anything is known of a table: published measurements of bulk messages (joshsmithxrm/power-platform-developer-suite; microsoft/PowerApps-Samples,
 * BulkOperations). Others were found three times as fast, and three times as slow with plug-ins and wide rows.
 */
const assumedOverheadMs = 150;
const assumedRowMs = { create: 24.7, update: 37, upsert: 24.7, delete: 49.4 } as const;
const alternateKeyRowMs = 62;
const doubts = { measured: 1.3, assumed: 3, unknownParallelism: 2 };

export interface PlannedJob {
  readonly rows: number;
  readonly operation: keyof typeof assumedRowMs;
  readonly byAlternateKey: boolean;
  readonly cost: StoredCost | undefined;
  /** The spec's own choice. */
  readonly rowsPerRequest: number | undefined;
  /** What the environment recommends, and what the governor has learned that it sustains; undefined where nobody has asked yet. */
  readonly hint: number | undefined;
  readonly ceiling: number | undefined;
  readonly mostLanes: number;
}

export interface JobPlan extends Estimate {
  readonly basis: {
    readonly cost: 'measured' | 'assumed';
    readonly overheadMs: number;
    readonly rowMs: number;
    readonly rowsPerRequest: number;
    readonly inFlight: number;
    readonly inFlightFrom: 'ceiling' | 'hint' | 'assumed';
  };
}

/** How long a job that has not begun will take, from whatever is known of its table and its environment. */
export function planJob(job: PlannedJob): JobPlan {
  const { cost } = job;
  const overheadMs = cost?.overheadMs ?? assumedOverheadMs;
  const ownRowMs = job.byAlternateKey ? alternateKeyRowMs : assumedRowMs[job.operation];
  const rowMs = cost?.rowMs ?? ownRowMs;
  const inFlightFrom = job.ceiling !== undefined ? 'ceiling' : job.hint !== undefined ? 'hint' : 'assumed';
  const sustained = job.ceiling ?? job.hint ?? fallbackHint;
  const rowsPerRequest = job.rowsPerRequest ?? sizeFor({ overheadMs, rowMs, badShare: cost?.badShare ?? 0 });
  const doubt =
    (cost === undefined ? doubts.assumed : doubts.measured) *
    (inFlightFrom === 'assumed' ? doubts.unknownParallelism : 1);
  const { mostLanes, rows } = job;
  const estimate = estimateJob({ rows, rowsPerRequest, overheadMs, rowMs, doubt, sustained, mostLanes });
  const source = cost === undefined ? 'assumed' : 'measured';
  const inFlight = Math.min(sustained, mostLanes);
  return { ...estimate, basis: { cost: source, overheadMs, rowMs, rowsPerRequest, inFlight, inFlightFrom } };
}
