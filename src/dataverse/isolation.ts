import type { SendCosts } from './send-costs.ts';

/**
 * A request costs its time and its place in the budget of requests. The service's own limits say what that place is worth: 1,200 s of execution
 * or 6,000 requests in five minutes (learn.microsoft.com/power-apps/developer/data-platform/api-limits).
 */
const requestPriceMs = 200;

/** Larger requests than this gain nothing that can be measured and lose all of it with one bad row. */
const mostRowsPerRequest = 1_000;
/**
 * Requests that finding bad rows may take, for each request of a load without any. What is rolled back has run plug-ins and held locks, so it costs
 * the environment more than the time that is counted here.
 */
const mostExtraRequests = 0.25;

/** `batch`: each row as an operation of its own in one `$batch`. */
export type Sending = 'message' | 'batch';
export type Isolation = 'halve' | 'batch';

/** Whether to send rows as a bulk message; a batch is cheaper where most messages would be rolled back. */
export function chooseSending(rows: number, costs: SendCosts): Sending {
  const expected = expectations(costs);
  return expected.byBatch(rows).ms < expected.byMessage(rows).ms ? 'batch' : 'message';
}

/**
 * How to find the bad rows of a bulk message that was rolled back: by one batch, or by sending its halves, which is cheaper where an operation
 * costs much more than a row and bad rows are few.
 */
export function chooseIsolation(rows: number, costs: SendCosts): Isolation {
  const expected = expectations(costs);
  return expected.byHalves(rows).ms < expected.byBatch(rows).ms ? 'halve' : 'batch';
}

export interface RequestBounds {
  readonly tableType: 'Standard' | 'Elastic' | 'Virtual';
  /** No request may take longer than this. */
  readonly maxRequestMs: number;
  /** What the person who ordered the run allows. */
  readonly maxRows?: number;
}

/** Elastic tables gain nothing from more rows at once (learn.microsoft.com/power-apps/developer/data-platform/use-elastic-tables). */
const elasticRowsPerRequest = 100;

/**
 * The number of rows per request at which a row costs least, what finding bad rows will cost included. Between 1 and 1,000; on elastic
 * tables, which roll nothing back, as many as the bounds let through.
 */
export function adviseRowsPerRequest(costs: SendCosts, bounds: RequestBounds): number {
  const rowsInTime = (rowMs: number) => Math.floor((bounds.maxRequestMs - costs.requestMs) / rowMs);
  const most = Math.min(mostRowsPerRequest, bounds.maxRows ?? mostRowsPerRequest);
  const mostByMessage = Math.min(most, rowsInTime(costs.rowMs));
  if (bounds.tableType === 'Elastic') return Math.max(1, Math.min(elasticRowsPerRequest, mostByMessage));
  const expected = expectations(costs);
  let best = 1;
  let bestMs = expected.byMessage(1).ms;
  for (let rows = 2; rows <= mostByMessage; rows += 1) {
    const { ms, requests } = expected.byMessage(rows);
    if (requests > 1 + mostExtraRequests) break;
    if (ms / rows < bestMs) [best, bestMs] = [rows, ms / rows];
  }
  // An operation costs the same in any batch, so that the largest is the cheapest.
  const inBatch = Math.max(1, Math.min(most, rowsInTime(costs.operationMs)));
  return expected.byBatch(inBatch).ms / inBatch < bestMs ? inBatch : best;
}

interface Expected {
  /** Time and, at its price, requests. */
  readonly ms: number;
  readonly requests: number;
}

const none: Expected = { ms: 0, requests: 0 };
const cheaper = (one: Expected, other: Expected) => (other.ms < one.ms ? other : one);

function plus(one: Expected, other: Expected, probability: number): Expected {
  return { ms: one.ms + probability * other.ms, requests: one.requests + probability * other.requests };
}

/** Expected costs when each row is bad with the same probability. */
function expectations({ requestMs, rowMs, operationMs, badShare }: SendCosts) {
  const halving = new Map<number, Expected>();
  const clean = (rows: number) => (1 - badShare) ** rows;
  const request = (ms: number): Expected => ({ ms: requestMs + requestPriceMs + ms, requests: 1 });
  const byBatch = (rows: number): Expected => request(rows * operationMs);

  /** Of rows among which one is bad for certain; the message that said so is paid already. */
  const found = (rows: number): Expected => (rows === 0 ? none : cheaper(byBatch(rows), byHalves(rows)));

  /** The first half is sent. When it is clean the bad row is in the second, which then need not be sent whole. */
  function byHalves(rows: number): Expected {
    if (rows === 1) return request(rowMs);
    const known = halving.get(rows);
    if (known !== undefined) return known;
    const half = Math.ceil(rows / 2);
    const firstIsBad = badShare > 0 ? (1 - clean(half)) / (1 - clean(rows)) : half / rows;
    const afterBad = plus(half > 1 ? found(half) : none, byMessage(rows - half), 1);
    const cost = plus(plus(request(half * rowMs), afterBad, firstIsBad), found(rows - half), 1 - firstIsBad);
    halving.set(rows, cost);
    return cost;
  }

  /** Of rows of which nothing is known. */
  function byMessage(rows: number): Expected {
    return plus(request(rows * rowMs), rows > 1 ? found(rows) : none, 1 - clean(rows));
  }

  return { byBatch, byHalves, byMessage };
}
