import type { WriteTarget } from './bulk-messages.ts';
import type { ServiceFault } from './error-table.ts';
import { busyPauseMs, markRepeat, pauseWithin, settleSuccess } from './pending-row.ts';
import type { PendingRow, WriteCall } from './pending-row.ts';

/** Without this header an elastic table does not say which rows failed. */
export function itemErrors(target: WriteTarget): Record<string, string> {
  return target.tableType === 'Elastic' ? { prefer: 'odata.include-annotations="*"' } : {};
}

/**
 * Rows of a refused bulk message that have to be sent again, each for itself. An elastic table rolls nothing back: what its error does not list
 * is written, and is settled here. Its errors may also come after the write, so all but clear refusals may have happened
 * (learn.microsoft.com/power-apps/developer/data-platform/bulk-operations).
 */
export async function rowsToRepeat(
  call: WriteCall,
  rows: readonly PendingRow[],
  fault: ServiceFault,
): Promise<readonly PendingRow[]> {
  const statusByIndex = new Map(fault.items?.map(({ index, httpStatus }) => [index, httpStatus]));
  const complete = statusByIndex.size > 0 && [...statusByIndex.keys()].every((index) => index < rows.length);
  if (!complete) {
    markRepeat(rows);
    return rows;
  }
  const failed: PendingRow[] = [];
  let isBusy = false;
  for (const [index, pending] of rows.entries()) {
    const status = statusByIndex.get(index) ?? 200;
    if (status < 300) {
      settleSuccess(call, pending);
      continue;
    }
    if (status >= 500 || status === 408) pending.repeat = true;
    isBusy ||= status === 429;
    failed.push(pending);
  }
  // A partition that is over its share of the store, not a limit of the identity: nobody else has to wait.
  if (isBusy) await pauseWithin(call, busyPauseMs(1) ?? 0);
  return failed;
}
