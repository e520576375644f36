import type { Ledger, Manifest } from '../../src/ledger/ledger.ts';
import type { Part, PartEntry } from '../../src/ledger/parts.ts';

/** A ledger in memory that keeps the promises lanes rely on: a part is written once, the first writer wins. */
export interface MemoryLedger extends Ledger {
  readonly parts: Map<number, Part>;
  cancelled: boolean;
}

const entryOf = (part: Part): PartEntry => ({ ...part, exceptionCount: part.exceptions.length });

export function createMemoryLedger(): MemoryLedger {
  const parts = new Map<number, Part>();
  const intents = new Set<number>();
  const unsupported = (): never => {
    throw new Error('Not part of what this ledger stands in for.');
  };
  const ledger: MemoryLedger = {
    parts,
    cancelled: false,
    async commitPart(_runId, part) {
      const winner = parts.get(part.firstRow);
      if (winner === undefined) parts.set(part.firstRow, part);
      return { first: winner === undefined, part: winner ?? part };
    },
    findPart: async (_runId, firstRow) => parts.get(firstRow),
    async *listParts() {
      for (const firstRow of [...parts.keys()].toSorted((left, right) => left - right))
        yield entryOf(parts.get(firstRow)!);
    },
    async markIntent(_runId, firstRow) {
      const first = !intents.has(firstRow);
      intents.add(firstRow);
      return first;
    },
    isCancelled: async () => ledger.cancelled,
    cancel: async () => {
      ledger.cancelled = true;
    },
    writeLive: async () => undefined,
    readLive: async () => [],
    accept: async (manifest: Manifest) => manifest,
    manifest: unsupported,
    readSync: unsupported,
    writeSync: unsupported,
    recentRuns: unsupported,
    writeMapping: unsupported,
    readMapping: unsupported,
    writeIndex: unsupported,
    readIndex: unsupported,
    writeFailures: unsupported,
    readFailures: unsupported,
    writeReport: unsupported,
    readReport: unsupported,
  };
  return ledger;
}
