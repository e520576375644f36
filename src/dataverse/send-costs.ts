/** What sending has cost lately, in milliseconds of waiting for the answer. */
export interface SendCosts {
  /** One request, whatever is in it. */
  readonly requestMs: number;
  /** One row of a bulk message. */
  readonly rowMs: number;
  /** One operation of a batch. */
  readonly operationMs: number;
  /** Operations of the largest batch that was measured; 0: `operationMs` is a published figure. */
  readonly largestBatch: number;
  /** Share of rows that the service refuses. */
  readonly badShare: number;
}

/** Learns the costs of one operation on one table from what it is shown. */
export interface CostMeter {
  /** A bulk message that succeeded. */
  noteMessage(rows: number, ms: number): void;
  /** A batch that was answered whole. */
  noteBatch(operations: number, ms: number): void;
  /** A row that the service has decided on. */
  noteRow(end: 'taken' | 'refused'): void;
  costs(): SendCosts;
}

/**
 * Before anything is measured: 150 ms for a request and 25 ms for a row (joshsmithxrm/power-platform-developer-suite: 100 rows in 2.5 s with few requests in
 * flight); an operation of a batch costs four rows (microsoft/PowerApps-Samples, dataverse, BulkOperations: 4 s against 1 s for 100 rows).
 */
const prior = { requestMs: 150, rowMs: 25, operationMs: 100 };
/** One refused row in a thousand, believed as much as 200 rows that were seen. */
const priorRows = 200;
const priorBadShare = 0.001;
/** Weight of what was seen before, at each new observation: about twenty of them count. */
const memory = 0.95;
/** After 20,000 rows what was seen counts half. */
const rowMemory = 0.5 ** (1 / 20_000);

export function createCostMeter(): CostMeter {
  const messages = createLine(prior.requestMs, prior.rowMs);
  const batches = createLine(prior.requestMs, prior.operationMs);
  let largestBatch = 0;
  let seen = 0;
  let refusals = 0;
  return {
    noteMessage: (rows, ms) => messages.note(rows, ms),
    noteBatch(operations, ms) {
      largestBatch = Math.max(largestBatch, operations);
      batches.note(operations, ms);
    },
    noteRow(end) {
      seen = seen * rowMemory + 1;
      refusals = refusals * rowMemory + (end === 'refused' ? 1 : 0);
    },
    costs() {
      const { base, slope } = messages.fit();
      const rowMs = Math.max(leastRowMs, slope);
      return {
        requestMs: base,
        rowMs,
        operationMs: Math.max(leastOperationRows * rowMs, batches.fit().slope),
        largestBatch,
        badShare: (refusals + priorBadShare * priorRows) / (seen + priorRows),
      };
    },
  };
}

/** No database writes faster. Against a double without delay the number of requests would be all that counts. */
const leastRowMs = 1;
/** An operation does all that a row of a message does, and has a pipeline of its own. */
const leastOperationRows = 1.5;

/** Least squares over what was noted, old notes fading; a weak prior line through two points stands in until there are some. */
function createLine(base: number, slope: number) {
  let [weight, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0];
  const add = (x: number, y: number, by: number) => {
    weight += by;
    sumX += by * x;
    sumY += by * y;
    sumXX += by * x * x;
    sumXY += by * x * y;
  };
  for (const x of [1, 100]) add(x, base + slope * x, 0.5);
  return {
    note(x: number, y: number) {
      [weight, sumX, sumY, sumXX, sumXY] = [weight, sumX, sumY, sumXX, sumXY].map((sum) => sum * memory) as Sums;
      add(x, y, 1);
    },
    fit() {
      const spread = weight * sumXX - sumX * sumX;
      const tilt = spread > 0 ? (weight * sumXY - sumX * sumY) / spread : slope;
      // Neither can be negative: where the noise says so, the other one explains everything.
      const steepest = sumXX > 0 ? sumXY / sumXX : slope;
      const fitted = Math.max(0, Math.min(tilt, steepest));
      return { slope: fitted, base: Math.max(0, (sumY - fitted * sumX) / weight) };
    },
  };
}

type Sums = [number, number, number, number, number];
