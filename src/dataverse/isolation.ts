import type { SendCosts } from './send-costs.ts';

/**
 * A request costs its time and its place in the budget of requests. The service's own limits say what that place is worth: 1,200 s of execution
 * or 6,000 requests in five minutes (learn.microsoft.com/power-apps/developer/data-platform/api-limits).
 */
const requestPriceMs = 200;

/** A batch that is sent to measure it may be expected to take so long. */
const longestTrialMs = 12_000;

/** `batch`: each row as an operation of its own in one `$batch`. */
export type Sending = 'message' | 'batch';
export type Isolation = 'halve' | 'batch';

/** Whether to send rows as a bulk message; a batch is cheaper where most messages would be rolled back. */
export function chooseSending(rows: number, costs: SendCosts): Sending {
  const expected = expectations(costs);
  return expected.byBatch(rows) < expected.byMessage(rows) ? 'batch' : 'message';
}

/**
 * How to find the bad rows of a bulk message that was rolled back: by one batch, or by sending its halves, which is cheaper where an operation
 * costs much more than a row and bad rows are few.
 */
export function chooseIsolation(rows: number, costs: SendCosts): Isolation {
  const expected = expectations(costs);
  const batchMs = expected.byBatch(rows);
  // Halves alone would never show what a batch costs here.
  if (costs.largestBatch < rows / 2 && batchMs <= longestTrialMs) return 'batch';
  return expected.byHalves(rows) < batchMs ? 'halve' : 'batch';
}

/** Expected costs in ms when each row is bad with the same probability. */
function expectations({ requestMs, rowMs, operationMs, badShare }: SendCosts) {
  const halving = new Map<number, number>();
  const clean = (rows: number) => (1 - badShare) ** rows;
  const request = (ms: number) => requestMs + requestPriceMs + ms;
  const byBatch = (rows: number) => request(rows * operationMs);

  /** Of rows among which one is bad for certain; the message that said so is paid already. */
  const found = (rows: number) => (rows === 0 ? 0 : Math.min(byBatch(rows), byHalves(rows)));

  /** The first half is sent. When it is clean the bad row is in the second, which then need not be sent whole. */
  function byHalves(rows: number): number {
    if (rows === 1) return request(rowMs);
    const known = halving.get(rows);
    if (known !== undefined) return known;
    const half = Math.ceil(rows / 2);
    const firstIsBad = badShare > 0 ? (1 - clean(half)) / (1 - clean(rows)) : half / rows;
    const afterBad = (half > 1 ? found(half) : 0) + byMessage(rows - half);
    const cost = request(half * rowMs) + firstIsBad * afterBad + (1 - firstIsBad) * found(rows - half);
    halving.set(rows, cost);
    return cost;
  }

  /** Of rows of which nothing is known. */
  function byMessage(rows: number): number {
    return request(rows * rowMs) + (1 - clean(rows)) * (rows > 1 ? found(rows) : 0);
  }

  return { byBatch, byHalves, byMessage };
}
