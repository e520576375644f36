import type { ServiceFault } from './error-table.ts';
import { BatchRejectedError } from './errors.ts';
import type { TableCall } from './pending-row.ts';
import { sendOperations } from './send-operations.ts';
import type { OperationResults, PartResult, SentOperation } from './send-operations.ts';
import { sessionHeaders } from './session.ts';
import { pauseOrGiveUp } from './write-by-batch.ts';

/** Whole rows can be wide: so many of them stay well under the bound of an answer. */
const readsPerBatch = 200;

/** One read and what to do with its answer. */
export interface Reading {
  /** Below the API root's origin: absolute path with query, encoded. */
  readonly path: string;
  /** Throws `MalformedAnswerError` for a body that is not whole, which makes the batch one without an answer. */
  readonly check: (body: string) => void;
  settle(result: PartResult): void;
}

/**
 * Sends reads in batches until each is decided: found, or refused for good. What stays undecided for a lock ends as `TransientError`, like
 * any other request.
 */
export async function readEach(call: TableCall, readings: readonly Reading[]): Promise<void> {
  for (let from = 0; from < readings.length; from += readsPerBatch) {
    await readUntilDecided(call, readings.slice(from, from + readsPerBatch));
  }
}

async function readUntilDecided(call: TableCall, readings: readonly Reading[]): Promise<void> {
  let left = readings;
  for (let refusals = 1; left.length > 0;) {
    const results = await sendReads(call, left);
    const undecided = left.filter((reading, index) => !settleIfDecided(reading, results[index]));
    const faults = results.flatMap((result) => (result === undefined || result.ok ? [] : [result.fault]));
    const lock = faults.find((fault) => isUndecided(fault) && fault.class !== 'throttled');
    left = undecided;
    if (lock === undefined) continue;
    await pauseOrGiveUp(call, lock, refusals);
    refusals += 1;
  }
}

/** One result for each read that was reached, whether they were refused one by one or together. */
async function sendReads(call: TableCall, readings: readonly Reading[]): Promise<OperationResults> {
  const headers = sessionHeaders(call);
  const operations = readings.map(({ path, check }): SentOperation => ({
    method: 'GET',
    path,
    headers,
    check: ({ body }) => check(body),
  }));
  try {
    return (await sendOperations(call, operations)).value;
  } catch (error) {
    if (!(error instanceof BatchRejectedError)) throw error;
    // That the batch is absent says nothing of the rows.
    const fault: ServiceFault = error.fault.class === 'absent' ? { ...error.fault, class: 'row' } : error.fault;
    return readings.map(() => ({ ok: false, fault }));
  }
}

function settleIfDecided(reading: Reading, result: PartResult | undefined): boolean {
  if (result === undefined || (!result.ok && isUndecided(result.fault))) return false;
  reading.settle(result);
  return true;
}

function isUndecided(fault: ServiceFault): boolean {
  // That a read takes too long says as little of the row.
  return ['busy', 'transient', 'throttled', 'tooLarge'].includes(fault.class);
}
