import { newSendLog } from '../dataverse/send-log.ts';
import { DataverseError } from '../dataverse/errors.ts';
import { readVersions, type RowVersion } from '../dataverse/read-versions.ts';
import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { Intents } from '../ledger/marks.ts';
import type { PartEntry } from '../ledger/parts.ts';
import type { Rejection, RowOutcome } from '../plan/outcome.ts';
import type { SettleRunInput, SettleRunOutput } from '../plan/payloads.ts';
import { mostLives, mostLivesInAll, mostLooks, mostLooksInAll } from '../plan/poison.ts';
import { SourceChangedError } from '../source/blob-source.ts';
import { readRows } from '../source/rows.ts';
import type { Slice } from '../source/source.ts';
import { chunksOf, settle } from './chunks.ts';
import type { LaneDeps } from './lane-deps.ts';
import { judgeVersion } from './judge-version.ts';
import { createPartBuilder, type SettledRow, type SliceBytes } from './part-builder.ts';
import { pendingStretches } from './pending-stretches.ts';
import { loadPlan, type RunPlan } from './run-plan.ts';

type SettleRunDeps = Pick<LaneDeps, 'ledger' | 'source' | 'clientOf' | 'clock' | 'recallWaits'>;

/**
 * Activity: looks up, for a run that ends early or gives slices up, the rows that were sent by a life that left no part, so that nothing which
 * may have happened is booked as not attempted. What a look finds is settled at once; what it does not find may still come, and is settled by a
 * last look after the service's own time limit.
 */
export function createSettleRun(deps: SettleRunDeps): (input: SettleRunInput) => Promise<SettleRunOutput> {
  return async ({ runId, look }) => {
    const parts: PartEntry[] = [];
    for await (const part of deps.ledger.listParts(runId)) parts.push(part);
    const [plan, intents] = await Promise.all([loadPlan(deps.ledger, runId), deps.ledger.readIntents(runId)]);
    await deps.recallWaits(runId, deps.clientOf(plan.manifest.spec.connection));
    const sum = { undecidedRows: 0, lostRows: 0 };
    for (const doubt of doubtfulSlices(plan, parts, intents)) {
      const left = await settleAlive({ deps, plan, look }, doubt);
      sum.undecidedRows += left.undecidedRows;
      sum.lostRows += left.lostRows;
    }
    return sum;
  };
}

interface Settling {
  readonly deps: SettleRunDeps;
  readonly plan: RunPlan;
  readonly look: SettleRunInput['look'];
}

interface Doubt {
  readonly slice: Slice;
  readonly firstRow: number;
  /** Lives that began here and were never heard of again, if there was more than one. */
  readonly lives: number;
}

/** Slices without all their parts in which sending began where the parts end, or where two copies may have been at work. */
function* doubtfulSlices({ index }: RunPlan, parts: readonly PartEntry[], intents: Intents): Generator<Doubt> {
  const { begun, contested, untouched, lives } = intents;
  for (const { from, to, cursor } of pendingStretches(index, parts)) {
    for (let at = from; at < to; at += 1) {
      const slice = index.slice(at);
      const firstRow = at === from ? (cursor ?? slice.firstRow) : slice.firstRow;
      const isBegun = begun.has(firstRow) && !untouched.has(firstRow);
      if (isBegun || contested.has(slice.firstRow)) yield { slice, firstRow, lives: lives.get(firstRow) ?? 1 };
    }
  }
}

const allSettled: SettleRunOutput = { undecidedRows: 0, lostRows: 0 };

/** What killed the lanes of a slice may kill a look at it, too; then it is closed without one, or not at all. */
async function settleAlive(settling: Settling, doubt: Doubt): Promise<SettleRunOutput> {
  if (doubt.lives < mostLives) return settleSlice(settling, doubt);
  const { slice, firstRow } = doubt;
  const { ledger } = settling.deps;
  const { runId } = settling.plan.manifest;
  const mark = { of: 'look', firstRow } as const;
  const life = await ledger.countLife(runId, mark, mostLooksInAll);
  if (life > mostLooksInAll) return lost(slice, firstRow);
  try {
    return await (life > mostLooks ? closeUnseen(settling, doubt) : settleSlice(settling, doubt));
  } finally {
    await ledger.forgetLives(runId, mark).catch(() => undefined);
  }
}

const lost = ({ firstRow, rowCount }: Slice, from: number): SettleRunOutput => ({
  ...allSettled,
  lostRows: firstRow + rowCount - from,
});

/** Commits what is known; answers how many rows are not decided yet. */
async function settleSlice(settling: Settling, { slice, firstRow, lives }: Doubt): Promise<SettleRunOutput> {
  const { plan, look } = settling;
  const bytes = await readOrNothing(settling, slice);
  if (bytes === undefined) return lost(slice, firstRow);
  const { duplicates } = plan.manifest.spec.options;
  const [{ settled, sendable } = { settled: [], sendable: [] }] = chunksOf(
    { plan, duplicates, firstRow },
    slice,
    bytes,
  );
  const isPoison = lives >= mostLivesInAll;
  const versions = await lookUp(settling, sendable);
  const { connection } = plan.manifest.spec;
  // What the looks have told of the clock is known by now.
  const beganMs = settling.deps.clientOf(connection).serverClock.earliest(plan.manifest.createdAt);
  const judged = sendable.map((row, at) => ({
    row,
    outcome: judgeVersion(plan, row, versions[at] ?? { kind: 'unreadable', reason: '' }, { look, beganMs }),
  }));
  const undecidedRows = judged.filter(({ outcome }) => outcome === undefined).length;
  if (undecidedRows > 0) return { ...allSettled, undecidedRows };
  const found = judged.flatMap(({ row, outcome }) =>
    outcome === undefined ? [] : [settle(plan, row, isPoison ? asPoison(outcome) : outcome, row.key)],
  );
  return commit(settling, { bytes, from: slice.from }, firstRow, [...settled, ...found]);
}

const asPoison = (outcome: RowOutcome): RowOutcome =>
  outcome.outcome === 'notAttempted' ? { ...outcome, reason: 'poison' } : outcome;

/** Rows as they lie in the source, none of them read for its values. */
async function closeUnseen(settling: Settling, { slice, firstRow }: Doubt): Promise<SettleRunOutput> {
  const { plan } = settling;
  const bytes = await readOrNothing(settling, slice);
  if (bytes === undefined) return lost(slice, firstRow);
  const reading = { columns: plan.head.columns, firstRow: slice.firstRow, from: slice.from };
  const rows = [...readRows(bytes, plan.format, reading)].filter(({ row }) => row >= firstRow);
  const settled = rows.map((row) => settle(plan, row, { row: row.row, outcome: 'unknown', rejection: unseen }));
  return commit(settling, { bytes, from: slice.from }, firstRow, settled);
}

const unseen: Rejection = {
  class: 'service',
  code: 'row.poison',
  message: 'Whatever sent the row, or looked it up, was never heard of again.',
};

async function commit(
  { deps, plan }: Settling,
  slice: SliceBytes,
  firstRow: number,
  settled: readonly SettledRow[],
): Promise<SettleRunOutput> {
  const builder = createPartBuilder(firstRow, slice);
  builder.add(settled);
  const part = builder.build();
  if (part !== undefined) await deps.ledger.commitPart(plan.manifest.runId, part);
  return allSettled;
}

/** Without the source nobody knows the keys of its rows; they stay where no part covers them. */
async function readOrNothing({ deps, plan }: Settling, slice: Slice): Promise<Buffer | undefined> {
  try {
    return await deps.source.read(plan.rows, slice.from, slice.to);
  } catch (error) {
    if (error instanceof SourceChangedError) return undefined;
    throw error;
  }
}

const lookMs = 60_000;

async function lookUp({ deps, plan }: Settling, rows: readonly EncodedRow[]): Promise<readonly RowVersion[]> {
  try {
    return await readVersions(deps.clientOf(plan.manifest.spec.connection), {
      table: plan.table,
      rows,
      deadlineAtMs: deps.clock.now() + lookMs,
      log: newSendLog(),
    });
  } catch (error) {
    if (!(error instanceof DataverseError)) throw error;
    return rows.map(() => ({ kind: 'unreadable', reason: error.message }));
  }
}
