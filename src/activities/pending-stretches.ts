import type { PartTally } from '../plan/report.ts';
import type { Stretch } from '../plan/stretch.ts';
import { mergeStretches } from '../plan/stretch.ts';
import type { SliceIndex } from '../source/slice-index.ts';

/**
 * What the parts leave to be done. Parts never cross a slice and form a chain from its first row (docs/adr/0002), so in each slice the rows
 * behind the chain are pending. Parts must come in order.
 */
export function pendingStretches(index: SliceIndex, parts: readonly PartTally[]): readonly Stretch[] {
  const pending: Stretch[] = [];
  let at = 0;
  for (let position = 0; position < index.sliceCount; position += 1) {
    const { firstRow, rowCount } = index.slice(position);
    let next = firstRow;
    for (let part = parts[at]; part?.firstRow === next && next < firstRow + rowCount; part = parts[at]) {
      next += part.rowCount;
      at += 1;
    }
    if (next >= firstRow + rowCount) continue;
    pending.push({ from: position, to: position + 1, ...(next > firstRow ? { cursor: next } : {}) });
  }
  return mergeStretches(pending);
}
