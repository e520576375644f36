import type { Ledger } from '../ledger/ledger.ts';
import type { Manifest } from '../ledger/run-files.ts';
import type { PartEntry } from '../ledger/parts.ts';
import type { StoredCost } from '../plan/estimate.ts';
import type { CloseRunInput, CloseRunOutput } from '../plan/payloads.ts';
import { usageOf, type JobPlan } from '../plan/plan-job.ts';
import {
  finalState,
  foldParts,
  settledCounts,
  type Books,
  type FailureGroup,
  type FinalState,
  type Report,
} from '../plan/report.ts';
import type { BlobSource } from '../source/blob-source.ts';
import { createFailureSheet } from './failure-sheet.ts';
import { loadPlan } from './run-plan.ts';

export interface CloseRunDeps {
  readonly ledger: Ledger;
  readonly source: BlobSource;
  readonly now: () => number;
}

/**
 * Activity: proves from the ledger alone that the parts tile the source and that their sums agree, writes the failures file and, last, the
 * report. Safe to run again: a report that exists is the answer. What was learned comes after it, because it is nothing to close books for.
 */
export function createCloseRun(deps: CloseRunDeps): (input: CloseRunInput) => Promise<CloseRunOutput> {
  const { ledger, now } = deps;
  return async (input) => {
    const report = (await ledger.readReport(input.runId)) ?? (await ledger.writeReport(await draft(input)));
    await rememberCost(ledger, report, input.cost);
    return outputOf(report);
  };

  async function draft(input: CloseRunInput): Promise<Report> {
    const manifest = await ledger.manifest(input.runId);
    if (manifest === undefined) throw new Error(`Run ${input.runId} has no manifest.`);
    const isIndexed = (await ledger.readIndex(input.runId)) !== undefined;
    return isIndexed ? closeBooks(deps, input, manifest) : reportOf(input, manifest, now());
  }
}

/** For the plans of later runs. A copy of this activity that comes late does not put an old cost in the place of a newer one. */
async function rememberCost(
  ledger: Ledger,
  { connection, table, operation, endedAt }: Report,
  cost: StoredCost | undefined,
): Promise<void> {
  if (cost === undefined) return;
  const key = { connection, table, operation };
  const known = await ledger.readCost(key);
  if (known?.endedAt === undefined || known.endedAt < endedAt) await ledger.writeCost(key, { ...cost, endedAt });
}

async function closeBooks(deps: CloseRunDeps, input: CloseRunInput, manifest: Manifest): Promise<Report> {
  const { ledger, source, now } = deps;
  const plan = await loadPlan(ledger, input.runId);
  const { rowCount } = plan.index;
  const parts: PartEntry[] = [];
  for await (const part of ledger.listParts(input.runId)) parts.push(part);
  const planned = await ledger.readPlan(input.runId);
  const books = foldParts(parts, rowCount);
  const sheet = { source, pin: plan.rows, format: plan.format, columns: plan.head.columns };
  const topFailures = await ledger.writeFailures(input.runId, parts, createFailureSheet(sheet));
  return reportOf(input, manifest, now(), {
    books,
    state: finalState(input.ending, books, rowCount),
    topFailures,
    planned,
    rowCount,
    sha256: manifest.lineage === undefined ? plan.sha256 : null,
  });
}

interface Closed {
  readonly books: Books;
  readonly state: FinalState;
  readonly topFailures: readonly FailureGroup[];
  readonly planned: JobPlan | undefined;
  readonly rowCount: number;
  /** Of the pinned source; null when the run read a spooled part of it. */
  readonly sha256: string | null;
}

function reportOf(input: CloseRunInput, manifest: Manifest, nowMs: number, closed?: Closed): Report {
  const { spec, ending } = input;
  const rowCount = closed?.rowCount ?? null;
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
    ...(manifest.lineage === undefined ? {} : { lineage: manifest.lineage }),
    rowsTotal: rowCount,
    counts: books === undefined || rowCount === null ? {} : settledCounts(books, rowCount),
    recovered: books?.recovered ?? 0,
    superseded: books?.superseded ?? 0,
    proof: books?.proof ?? null,
    gaps: books?.gaps ?? [],
    overlaps: books?.overlaps ?? [],
    requests: input.requests,
    throttled: input.throttled,
    startedAt: input.startedAt,
    endedAt: new Date(nowMs).toISOString(),
    seconds: Math.round(seconds * 10) / 10,
    rowsPerSecond: seconds > 0 && covered > 0 ? Math.round((covered / seconds) * 10) / 10 : null,
    plan: planKept(input, closed?.planned),
    topFailures: closed?.topFailures ?? [],
    faults: input.faults,
    decisions: input.decisions,
  };
}

const planKept = ({ sent, requests }: CloseRunInput, planned: JobPlan | undefined): Report['plan'] =>
  sent === undefined || planned === undefined ? null : { planned, actual: usageOf(planned, sent, requests) };

const outputOf = ({ state, reason }: Report): CloseRunOutput => ({
  state,
  ...(reason === undefined ? {} : { reason }),
});
