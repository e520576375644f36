import { defaultRowsPerRequest, maxRowsPerRequest } from './bounds.ts';

/** What the answered bulk messages of a lane or a wave add up to: enough to fit `ms = a + b * rows` without keeping the messages. */
export interface SendSums {
  readonly requests: number;
  readonly rows: number;
  readonly ms: number;
  /** Sums of 1 / rows and of ms / rows. */
  readonly inverse: number;
  readonly rowMs: number;
}

export const noSends: SendSums = { requests: 0, rows: 0, ms: 0, inverse: 0, rowMs: 0 };

export const sendOf = (rows: number, ms: number): SendSums => ({
  requests: 1,
  rows,
  ms,
  inverse: 1 / rows,
  rowMs: ms / rows,
});

export const addSends = (left: SendSums, right: SendSums): SendSums => ({
  requests: left.requests + right.requests,
  rows: left.rows + right.rows,
  ms: left.ms + right.ms,
  inverse: left.inverse + right.inverse,
  rowMs: left.rowMs + right.rowMs,
});

/** What one run's requests cost, learned from its own traffic. Sums fade, so that the latest few hundred requests count. */
export interface RequestFit {
  readonly requests: number;
  /** Rows the service took, by whatever request. */
  readonly rows: number;
  /** Rows the service refused. */
  readonly badRows: number;
  /** Spread of 1 / rows within waves, and how ms / rows went with it: each request counts by its rows, as shares of the mean. */
  readonly spread: number;
  readonly slope: number;
  /** ms per row of late, smoothed; null before the first answer. */
  readonly rowMs: number | null;
  readonly late: RowCost | null;
  /** The same from whole waves only, and of how many requests: in a short one the slow requests are missing, which come back after it. */
  readonly whole: (RowCost & { readonly requests: number }) | null;
  /** The lowest cost, drifting up slowly: what a row costs when nothing hinders it. */
  readonly unhindered: RowCost | null;
}

/** What a row was found to cost, and what of a request was taken for its fixed cost then. */
export interface RowCost {
  readonly rowMs: number;
  readonly rowsEach: number;
  readonly overheadMs: number;
}

export const noFit: RequestFit = {
  requests: 0,
  rows: 0,
  badRows: 0,
  spread: 0,
  slope: 0,
  rowMs: null,
  late: null,
  whole: null,
  unhindered: null,
};

/**
 * Fixed cost of a request, and how sure that is, before it has been measured: 0.07 to 0.15 s fit published figures (microsoft/PowerApps-Samples
 * BulkOperations; joshsmithxrm/power-platform-developer-suite). Requests of one size alone do not tell it from the rows' cost.
 */
const assumedOverheadMs = 150;
const assumedDeviationMs = 75;
/** Deviation of one request's time, as a share of it, so far as it has not been weighed away. */
const noise = 0.2;
/** Time that a clock cannot see is not none at all. */
const leastRowMs = 0.01;
const rememberedRequests = 1_000;
const smoothingRequests = 120;
/** Upward drift of the unhindered cost, so that an environment that became slower for good is believed in the end. */
const driftPerSecond = 0.00005;
/** Before this many answers one slow request may still be the whole measurement, of the size and of what hinders. */
const leastRequests = 20;
const leastToCompare = 80;
/** A wave is whole when it lasted so many times as long as its requests. */
const wholeWave = 5;

/** What the service said of the rows of a wave: also of those that went in no bulk message, or in one that was taken apart. */
export interface SentRows {
  readonly taken: number;
  readonly bad: number;
}

/**
 * Learns from one wave. Only differences within a wave tell the fixed cost: between waves the load differs too. Requests count by their rows, else
 * the last row of a slice, sent alone and by chance a slow one, would outvote hundreds of others.
 */
export function learn(fit: RequestFit, wave: SendSums, rows: SentRows, seconds: number): RequestFit {
  if (wave.requests === 0) return { ...fit, rows: fit.rows + rows.taken, badRows: fit.badRows + rows.bad };
  const keep = rememberedRequests / (rememberedRequests + wave.requests);
  const rowsEach = wave.rows / wave.requests;
  const learned = {
    requests: fit.requests * keep + wave.requests,
    rows: fit.rows * keep + rows.taken,
    badRows: fit.badRows * keep + rows.bad,
    spread: fit.spread * keep + (wave.inverse - wave.requests / rowsEach) / rowsEach,
    slope: fit.slope * keep + (wave.rowMs - wave.ms / rowsEach) / rowsEach,
  };
  const a = overheadOf({ ...fit, ...learned, rowMs: fit.rowMs ?? wave.ms / wave.rows });
  const measured = Math.max(0.05 * wave.ms, wave.ms - a * wave.requests) / wave.rows;
  // What the fixed cost was wrong by stood in the rows; corrected, it is no sign of a load that hinders.
  const corrected = (known: RowCost): number =>
    Math.max(leastRowMs, known.rowMs + (known.overheadMs - a) / known.rowsEach);
  const mixed = (known: RowCost | null, before: number): RowCost => {
    const share = wave.requests / (wave.requests + before);
    const rowMs = known === null ? measured : corrected(known) * (1 - share) + measured * share;
    return { rowMs, rowsEach, overheadMs: a };
  };
  const late = mixed(fit.late, smoothingRequests);
  const next = { ...learned, rowMs: late.rowMs, late };
  if (seconds * 1_000 * wave.requests < wholeWave * wave.ms) return { ...fit, ...next };
  const before = Math.min(fit.whole?.requests ?? 0, smoothingRequests);
  const whole = { ...mixed(fit.whole, before), requests: before + wave.requests };
  if (whole.requests < leastToCompare) return { ...next, whole, unhindered: null };
  const known = fit.unhindered ?? whole;
  const lowest = corrected(known) * (1 + driftPerSecond * seconds);
  const unhindered = whole.rowMs < lowest ? whole : { ...known, rowMs: lowest, overheadMs: a };
  return { ...next, whole, unhindered };
}

/** How many times slower a row is than when nothing hinders it; 1 while that is not known. */
export const inflationOf = ({ whole, unhindered }: RequestFit): number =>
  whole === null || unhindered === null ? 1 : whole.rowMs / unhindered.rowMs;

/** The fixed cost of a request in ms: the assumption, drawn to what was measured as far as that is surer. */
export function overheadOf({ spread, slope, rowMs }: RequestFit): number {
  const doubt = ((noise * Math.max(leastRowMs, rowMs ?? 1)) / assumedDeviationMs) ** 2;
  return Math.min(1_000, Math.max(20, (slope + doubt * assumedOverheadMs) / (spread + doubt)));
}

/**
 * A request's fixed cost may be this share of it. Smaller wastes time; larger makes requests few and long, which fall on the servers the more
 * unevenly where chance sends them.
 */
const overheadShare = { even: 0.015, byChance: 0.05 };
/** Far from the server's own limit of two minutes, and what a lane may be late by at the end of its box. */
export const longestRequestMs = 7_000;
/**
 * So many of a hundred requests may be rolled back for a bad row. Each leads to at least one request more, and has run plug-ins and held locks, so
 * it costs the environment more than the time that is counted here.
 */
const mostRolledBack = 0.2;
/** Fewer say nothing of their share. */
const leastBadRows = 5;
/** Sizes this near to the present one are not worth a change. */
const indifference = 0.25;

/**
 * Rows for the next requests. Four bounds, the smallest counts: the fixed cost is small enough; a row that the service refuses, which makes a
 * standard table roll back the whole request, does not cost more than the size gains (`sqrt(a / 2pb)` with p the share of such rows); few
 * enough requests are rolled back; a request stays short.
 */
export function sizeRequests(
  fit: RequestFit,
  now: number | null,
  spread: keyof typeof overheadShare = 'byChance',
): number {
  if (now === null) return defaultRowsPerRequest;
  const cost = costOf(fit);
  // Without bulk messages nothing is rolled back.
  const fewRolledBack = fit.requests > 0 && fit.badRows >= leastBadRows ? mostRolledBack / cost.badShare : Infinity;
  const isMeasured = fit.requests >= leastRequests && fit.rowMs !== null;
  const byCost = isMeasured ? Math.min(now * 4, sizeFor(cost, spread)) : now;
  const size = Math.max(1, Math.round(Math.min(fewRolledBack, byCost)));
  return Math.abs(size - now) <= now * indifference ? now : size;
}

/** What a fit says of a request and a row; a row costs nothing before the first answer. */
export const costOf = (fit: RequestFit): { overheadMs: number; rowMs: number; badShare: number } => ({
  overheadMs: overheadOf(fit),
  rowMs: fit.rowMs ?? 0,
  badShare: Math.min(1, fit.badRows / Math.max(1, fit.rows + fit.badRows)),
});

/** The best size of requests of which all that is known. */
export function sizeFor(
  cost: { readonly overheadMs: number; readonly rowMs: number; readonly badShare: number },
  spread: keyof typeof overheadShare = 'byChance',
): number {
  const { overheadMs: a, rowMs: b, badShare } = cost;
  const wanted = Math.min(
    ((1 / overheadShare[spread] - 1) * a) / b,
    (longestRequestMs - a) / b,
    badShare > 0 ? Math.sqrt(a / (2 * badShare * b)) : Infinity,
    maxRowsPerRequest,
  );
  return Math.max(1, Math.round(wanted));
}
