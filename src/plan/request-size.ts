import { defaultRowsPerRequest, maxRowsPerRequest } from './bounds.ts';

/**
 * What the answered bulk messages of a lane, a wave or a run add up to: enough to fit `ms = a + b * rows` without keeping the messages.
 */
export interface SendSums {
  readonly requests: number;
  readonly rows: number;
  readonly ms: number;
  /** Sum of rows², and of rows * ms. */
  readonly rowsSquared: number;
  readonly rowsMs: number;
}

export const noSends: SendSums = { requests: 0, rows: 0, ms: 0, rowsSquared: 0, rowsMs: 0 };

export const sendOf = (rows: number, ms: number): SendSums => ({
  requests: 1,
  rows,
  ms,
  rowsSquared: rows * rows,
  rowsMs: rows * ms,
});

export const addSends = (left: SendSums, right: SendSums): SendSums => combine(left, right, 1);

function combine(left: SendSums, right: SendSums, keep: number): SendSums {
  return {
    requests: left.requests * keep + right.requests,
    rows: left.rows * keep + right.rows,
    ms: left.ms * keep + right.ms,
    rowsSquared: left.rowsSquared * keep + right.rowsSquared,
    rowsMs: left.rowsMs * keep + right.rowsMs,
  };
}

/** What one run's requests cost, learned from its own traffic. */
export interface RequestFit {
  readonly sends: SendSums;
  /** Rows the service refused, of all that were sent; decays like the sums. */
  readonly badRows: number;
  /** ms per row of late, smoothed; null before the first answer. */
  readonly rowMs: number | null;
  /** The lowest of those, drifting up slowly: what a row costs when nothing hinders it. */
  readonly unhinderedRowMs: number | null;
}

export const noFit: RequestFit = { sends: noSends, badRows: 0, rowMs: null, unhinderedRowMs: null };

/**
 * Fixed cost of a request before it has been measured: 0.07 to 0.15 s fit published figures (microsoft/PowerApps-Samples BulkOperations;
 * joshsmithxrm/power-platform-developer-suite). It anchors the line, because requests of one size alone do not tell it from the rows'.
 */
const assumedOverheadMs = 150;
const anchorWeight = 40;
/** Messages after which the older half of the memory has faded. */
const rememberedRequests = 400;
const smoothingRequests = 40;
/** Upward drift of the unhindered cost, so that an environment that became slower for good is believed in the end. */
const driftPerSecond = 0.0002;
/** Before this many answers one slow request may still be the whole measurement. */
const leastRequests = 20;

/** Learns from one wave. */
export function learn(fit: RequestFit, wave: SendSums, badRows: number, seconds: number): RequestFit {
  if (wave.requests === 0 || wave.rows === 0) return { ...fit, badRows: fit.badRows + badRows };
  const keep = rememberedRequests / (rememberedRequests + wave.requests);
  const sends = combine(fit.sends, wave, keep);
  const { a } = line(sends);
  const measured = Math.max(wave.ms * 0.05, wave.ms - a * wave.requests) / wave.rows;
  const share = wave.requests / (wave.requests + (fit.rowMs === null ? 0 : smoothingRequests));
  const rowMs = fit.rowMs === null ? measured : fit.rowMs + (measured - fit.rowMs) * share;
  const known = fit.unhinderedRowMs;
  const settled = sends.requests >= leastRequests;
  const drifted = known === null ? null : known * (1 + driftPerSecond * seconds);
  const unhinderedRowMs = settled ? Math.min(rowMs, drifted ?? rowMs) : null;
  return { sends, badRows: fit.badRows * keep + badRows, rowMs, unhinderedRowMs };
}

/** How many times slower a row is than when nothing hinders it; 1 while that is not known. */
export const inflationOf = ({ rowMs, unhinderedRowMs }: RequestFit): number =>
  rowMs === null || unhinderedRowMs === null ? 1 : rowMs / unhinderedRowMs;

/** The line through the messages, held at the assumed overhead as long as their sizes are too alike to tell. */
export function line(sends: SendSums): { readonly a: number; readonly b: number } {
  const n = sends.requests + anchorWeight;
  const ms = sends.ms + anchorWeight * assumedOverheadMs;
  const spread = sends.rowsSquared * n - sends.rows * sends.rows;
  if (spread <= 0) return { a: assumedOverheadMs, b: 0 };
  const b = Math.max(0, (n * sends.rowsMs - sends.rows * ms) / spread);
  return { a: Math.max(1, (ms - b * sends.rows) / n), b };
}

/** A request's fixed cost may be this share of it: smaller wastes time, larger makes requests too long to be steered. */
const overheadShare = 0.04;
/** Far from the server's own limit of two minutes, and what a lane may be late by at the end of its box. */
const longestRequestMs = 10_000;
/** Sizes this near to the present one are not worth a change. */
const indifference = 0.2;

/**
 * Rows for the next requests. Three bounds, the smallest counts: the fixed cost is small enough; a row that the service refuses, which makes a
 * standard table roll back the whole request, does not cost more than the size gains (`sqrt(a / 2pb)` with p the share of such rows); a
 * request stays short.
 */
export function sizeRequests(fit: RequestFit, now: number | null): number {
  if (now === null || fit.sends.requests < leastRequests) return now ?? defaultRowsPerRequest;
  const { a, b } = line(fit.sends);
  if (b <= 0) return Math.min(maxRowsPerRequest, now * 2);
  const badShare = Math.min(1, fit.badRows / Math.max(1, fit.sends.rows + fit.badRows));
  const wanted = Math.min(
    ((1 / overheadShare - 1) * a) / b,
    (longestRequestMs - a) / b,
    badShare > 0 ? Math.sqrt(a / (2 * badShare * b)) : Infinity,
    now * 2,
    maxRowsPerRequest,
  );
  const size = Math.max(1, Math.round(wanted));
  return Math.abs(size - now) <= now * indifference ? now : size;
}
