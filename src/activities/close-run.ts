import type { Ledger, Manifest } from '../ledger/ledger.ts';
import type { PartEntry } from '../ledger/parts.ts';
import type { CloseRunInput, CloseRunOutput } from '../plan/payloads.ts';
import {
  finalState,
  foldParts,
  settledCounts,
  type Books,
  type FailureGroup,
  type FinalState,
  type Report,
} from '../plan/report.ts';

export interface CloseRunDeps {
  readonly ledger: Ledger;
  readonly now: () => number;
}

/**
 * Activity: proves from the ledger alone that the parts tile the source and that their sums agree, writes the failures file and, last, the
 * report. Safe to run again: a report that exists is the answer.
 */
export function createCloseRun({ ledger, now }: CloseRunDeps): (input: CloseRunInput) => Promise<CloseRunOutput> {
  return async (input) => {
    const existing = await ledger.readReport(input.runId);
    if (existing !== undefined) return outputOf(existing);
    const manifest = await ledger.manifest(input.runId);
    if (manifest === undefined) throw new Error(`Run ${input.runId} has no manifest.`);
    const report =
      input.rowCount === null
        ? reportOf(input, manifest, now())
        : await closeBooks(ledger, input, manifest, input.rowCount, now);
    await ledger.writeReport(report);
    return outputOf(report);
  };
}

async function closeBooks(
  ledger: Ledger,
  input: CloseRunInput,
  manifest: Manifest,
  rowCount: number,
  now: () => number,
): Promise<Report> {
  const parts: PartEntry[] = [];
  for await (const part of ledger.listParts(input.runId)) parts.push(part);
  const books = foldParts(parts, rowCount);
  const topFailures = await ledger.writeFailures(input.runId, parts);
  const sha256 = (await ledger.readIndex(input.runId))?.sha256 ?? null;
  return reportOf(input, manifest, now(), {
    books,
    state: finalState(input.ending, books, rowCount),
    topFailures,
    sha256,
  });
}

interface Closed {
  readonly books: Books;
  readonly state: FinalState;
  readonly topFailures: readonly FailureGroup[];
  readonly sha256: string | null;
}

function reportOf(input: CloseRunInput, manifest: Manifest, nowMs: number, closed?: Closed): Report {
  const { spec, ending, rowCount } = input;
  const seconds = Math.max(0, (nowMs - Date.parse(input.startedAt)) / 1_000);
  const { container, blob, etag, bytes } = manifest.pin;
  const books = closed?.books;
  const covered = books?.proof.rowsCovered ?? 0;
  return {
    runId: input.runId,
    state: closed?.state ?? ending.state,
    ...(ending.reason === undefined ? {} : { reason: ending.reason }),
    connection: spec.connection,
    table: spec.target.table,
    operation: spec.target.operation,
    source: { container, blob, etag, bytes, sha256: closed?.sha256 ?? null },
    rowsTotal: rowCount,
    counts: books === undefined || rowCount === null ? {} : settledCounts(books, rowCount),
    recovered: books?.recovered ?? 0,
    proof: books?.proof ?? null,
    gaps: books?.gaps ?? [],
    overlaps: books?.overlaps ?? [],
    requests: input.requests,
    throttled: input.throttled,
    startedAt: input.startedAt,
    endedAt: new Date(nowMs).toISOString(),
    seconds: Math.round(seconds * 10) / 10,
    rowsPerSecond: seconds > 0 && covered > 0 ? Math.round((covered / seconds) * 10) / 10 : null,
    topFailures: closed?.topFailures ?? [],
    faults: input.faults,
    decisions: input.decisions,
  };
}

const outputOf = ({ state, reason }: Report): CloseRunOutput => ({
  state,
  ...(reason === undefined ? {} : { reason }),
});
