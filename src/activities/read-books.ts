import type { Ledger } from '../ledger/ledger.ts';
import type { PartEntry } from '../ledger/parts.ts';
import type { ReadBooksInput, ReadBooksOutput } from '../plan/payloads.ts';
import { foldParts } from '../plan/report.ts';
import { decodeIndex } from '../source/slice-index.ts';
import { pendingStretches } from './pending-stretches.ts';

/** Activity: where a run stands by its ledger alone; null when it never got so far as to index its source. */
export function createReadBooks({
  ledger,
}: {
  readonly ledger: Ledger;
}): (input: ReadBooksInput) => Promise<ReadBooksOutput> {
  return async ({ runId }) => {
    const stored = await ledger.readIndex(runId);
    if (stored === undefined) return null;
    const index = decodeIndex(stored.bytes);
    const parts: PartEntry[] = [];
    for await (const part of ledger.listParts(runId)) parts.push(part);
    const { counts, recovered } = foldParts(parts, index.rowCount);
    return {
      source: { rowCount: index.rowCount, sliceCount: index.sliceCount },
      pending: pendingStretches(index, parts),
      counts,
      recovered,
    };
  };
}
