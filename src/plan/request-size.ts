import { defaultRowsPerRequest, maxRowsPerRequest } from './bounds.ts';

/** What the answered bulk messages of a lane or a wave add up to: enough to fit `ms = a + b * rows` without keeping the messages. */
export interface SendSums {
  readonly requests: number;
  readonly rows: number;
  readonly ms: number;
  /** Sums of 1 / rows and of its square, of ms / rows and of ms / rows². */
  readonly inverse: number;
  readonly inverseSquared: number;
  readonly rowMs: number;
  readonly rowMsInverse: number;
}

export const noSends: SendSums = {
  requests: 0,
  rows: 0,
  ms: 0,
  inverse: 0,
  inverseSquared: 0,
  rowMs: 0,
  rowMsInverse: 0,
};

export const sendOf = (rows: number, ms: number): SendSums => ({
  requests: 1,
  rows,
  ms,
  inverse: 1 / rows,
  inverseSquared: 1 / rows ** 2,
  rowMs: ms / rows,
  rowMsInverse: ms / rows ** 2,
});

export const addSends = (left: SendSums, right: SendSums): SendSums => ({
  requests: left.requests + right.requests,
  rows: left.rows + right.rows,
  ms: left.ms + right.ms,
  inverse: left.inverse + right.inverse,
  inverseSquared: left.inverseSquared + right.inverseSquared,
  rowMs: left.rowMs + right.rowMs,
  rowMsInverse: left.rowMsInverse + right.rowMsInverse,
});

/** What one run's requests cost, learned from its own traffic. Sums fade, so that the latest few hundred requests count. */
export interface RequestFit {
  readonly requests: number;
  readonly rows: number;
  /** Rows the service refused. */
  readonly badRows: number;
  /** Spread of 1 / rows within waves, and how ms / rows went with it. */
  readonly spread: number;
  readonly slope: number;
  /** ms per row of late, smoothed; null before the first answer. */
  readonly rowMs: number | null;
  /** The lowest of those, drifting up slowly: what a row costs when nothing hinders it. */
  readonly unhinderedRowMs: number | null;
}

export const noFit: RequestFit = {
  requests: 0,
  rows: 0,
  badRows: 0,
  spread: 0,
  slope: 0,
  rowMs: null,
  unhinderedRowMs: null,
};

/**
 * Fixed cost of a request, and how sure that is, before it has been measured: 0.07 to 0.15 s fit published figures (microsoft/PowerApps-Samples
 * BulkOperations; joshsmithxrm/power-platform-developer-suite). Requests of one size alone do not tell it from the rows' cost.
 */
const assumedOverheadMs = 150;
const assumedDeviationMs = 75;
/** Deviation of one request's time, as a share of it. */
const noise = 0.4;
const rememberedRequests = 1_000;
const smoothingRequests = 60;
/** Upward drift of the unhindered cost, so that an environment that became slower for good is believed in the end. */
const driftPerSecond = 0.0002;
/** Before this many answers one slow request may still be the whole measurement. */
const leastRequests = 20;

/** Learns from one wave. Only differences within a wave tell the fixed cost: between waves the load differs too. */
export function learn(fit: RequestFit, wave: SendSums, badRows: number, seconds: number): RequestFit {
  if (wave.requests === 0) return { ...fit, badRows: fit.badRows + badRows };
  const keep = rememberedRequests / (rememberedRequests + wave.requests);
  const learned = {
    requests: fit.requests * keep + wave.requests,
    rows: fit.rows * keep + wave.rows,
    badRows: fit.badRows * keep + badRows,
    spread: fit.spread * keep + wave.inverseSquared - wave.inverse ** 2 / wave.requests,
    slope: fit.slope * keep + wave.rowMsInverse - (wave.inverse * wave.rowMs) / wave.requests,
  };
  const a = overheadOf({ ...fit, ...learned, rowMs: fit.rowMs ?? wave.ms / wave.rows });
  const measured = Math.max(0.05 * wave.ms, wave.ms - a * wave.requests) / wave.rows;
  const share = fit.rowMs === null ? 1 : wave.requests / (wave.requests + smoothingRequests);
  const rowMs = (fit.rowMs ?? measured) * (1 - share) + measured * share;
  const drifted = (fit.unhinderedRowMs ?? Infinity) * (1 + driftPerSecond * seconds);
  return { ...learned, rowMs, unhinderedRowMs: learned.requests < leastRequests ? null : Math.min(rowMs, drifted) };
}

/** How many times slower a row is than when nothing hinders it; 1 while that is not known. */
export const inflationOf = ({ rowMs, unhinderedRowMs }: RequestFit): number =>
  rowMs === null || unhinderedRowMs === null ? 1 : rowMs / unhinderedRowMs;

/** The fixed cost of a request in ms: the assumption, drawn to what was measured as far as that is surer. */
export function overheadOf({ spread, slope, rowMs }: RequestFit): number {
  const doubt = ((noise * (rowMs ?? 1)) / assumedDeviationMs) ** 2;
  return Math.min(1_000, Math.max(20, (slope + doubt * assumedOverheadMs) / (spread + doubt)));
}

/** A request's fixed cost may be this share of it: smaller wastes time, larger makes requests too long to be steered. */
const overheadShare = 0.05;
/** Far from the server's own limit of two minutes, and what a lane may be late by at the end of its box. */
const longestRequestMs = 10_000;
/** Sizes this near to the present one are not worth a change. */
const indifference = 0.25;

/**
 * Rows for the next requests. Three bounds, the smallest counts: the fixed cost is small enough; a row that the service refuses, which makes a
 * standard table roll back the whole request, does not cost more than the size gains (`sqrt(a / 2pb)` with p the share of such rows); a
 * request stays short.
 */
export function sizeRequests(fit: RequestFit, now: number | null): number {
  if (now === null || fit.requests < leastRequests || fit.rowMs === null) return now ?? defaultRowsPerRequest;
  const a = overheadOf(fit);
  const b = fit.rowMs;
  const badShare = Math.min(1, fit.badRows / Math.max(1, fit.rows + fit.badRows));
  const wanted = Math.min(
    ((1 / overheadShare - 1) * a) / b,
    (longestRequestMs - a) / b,
    badShare > 0 ? Math.sqrt(a / (2 * badShare * b)) : Infinity,
    now * 4,
    maxRowsPerRequest,
  );
  const size = Math.max(1, Math.round(wanted));
  return Math.abs(size - now) <= now * indifference ? now : size;
}
