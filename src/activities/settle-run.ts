import { newSendLog } from '../dataverse/send-log.ts';
import { DataverseError } from '../dataverse/errors.ts';
import { readVersions, type RowVersion } from '../dataverse/read-versions.ts';
import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { Intents } from '../ledger/ledger.ts';
import type { PartEntry } from '../ledger/parts.ts';
import type { SettleRunInput, SettleRunOutput } from '../plan/payloads.ts';
import { SourceChangedError } from '../source/blob-source.ts';
import type { Slice } from '../source/source.ts';
import { chunksOf, settle } from './chunks.ts';
import type { LaneDeps } from './lane-deps.ts';
import { judgeVersion } from './judge-version.ts';
import { createPartBuilder } from './part-builder.ts';
import { pendingStretches } from './pending-stretches.ts';
import { loadPlan, type RunPlan } from './run-plan.ts';

type SettleRunDeps = Pick<LaneDeps, 'ledger' | 'source' | 'clientOf' | 'clock' | 'recallWaits'>;

/**
 * Activity: looks up, for a run that ends early, the rows that were sent by a life that left no part, so that nothing which may have happened
 * is booked as not attempted. What a look finds is settled at once; what it does not find may still come, and is settled by a last look
 * after the service's own time limit.
 */
export function createSettleRun(deps: SettleRunDeps): (input: SettleRunInput) => Promise<SettleRunOutput> {
  return async ({ runId, look }) => {
    const parts: PartEntry[] = [];
    for await (const part of deps.ledger.listParts(runId)) parts.push(part);
    const [plan, intents] = await Promise.all([loadPlan(deps.ledger, runId), deps.ledger.readIntents(runId)]);
    await deps.recallWaits(runId, deps.clientOf(plan.manifest.spec.connection));
    let undecidedRows = 0;
    for (const { slice, firstRow } of doubtfulSlices(plan, parts, intents))
      undecidedRows += await settleSlice({ deps, plan, look }, slice, firstRow);
    return { undecidedRows };
  };
}

interface Settling {
  readonly deps: SettleRunDeps;
  readonly plan: RunPlan;
  readonly look: SettleRunInput['look'];
}

/** Slices without all their parts in which sending began where the parts end, or where two copies may have been at work. */
function* doubtfulSlices(
  { index }: RunPlan,
  parts: readonly PartEntry[],
  { begun, contested, untouched }: Intents,
): Generator<{ readonly slice: Slice; readonly firstRow: number }> {
  for (const { from, to, cursor } of pendingStretches(index, parts)) {
    for (let at = from; at < to; at += 1) {
      const slice = index.slice(at);
      const firstRow = at === from ? (cursor ?? slice.firstRow) : slice.firstRow;
      const isBegun = begun.has(firstRow) && !untouched.has(firstRow);
      if (isBegun || contested.has(slice.firstRow)) yield { slice, firstRow };
    }
  }
}

/** Commits what is known; answers how many rows are not decided yet. */
async function settleSlice(settling: Settling, slice: Slice, firstRow: number): Promise<number> {
  const { deps, plan, look } = settling;
  const bytes = await readOrNothing(settling, slice);
  if (bytes === undefined) return 0;
  const { duplicates } = plan.manifest.spec.options;
  const [{ settled, sendable } = { settled: [], sendable: [] }] = chunksOf(
    { plan, duplicates, firstRow },
    slice,
    bytes,
  );
  const versions = await lookUp(settling, sendable);
  const { connection } = plan.manifest.spec;
  // What the looks have told of the clock is known by now.
  const beganMs = deps.clientOf(connection).serverClock.earliest(plan.manifest.createdAt);
  const judged = sendable.map((row, at) => ({
    row,
    outcome: judgeVersion(plan, row, versions[at] ?? { kind: 'unreadable', reason: '' }, { look, beganMs }),
  }));
  const undecided = judged.filter(({ outcome }) => outcome === undefined).length;
  if (undecided > 0) return undecided;
  const builder = createPartBuilder(firstRow, { bytes, from: slice.from });
  builder.add([
    ...settled,
    ...judged.flatMap(({ row, outcome }) => (outcome === undefined ? [] : [settle(plan, row, outcome, row.key)])),
  ]);
  const part = builder.build();
  if (part !== undefined) await deps.ledger.commitPart(plan.manifest.runId, part);
  return 0;
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
