import type { SendLog } from '../dataverse/send-log.ts';
import { findUnchanged } from '../dataverse/find-unchanged.ts';
import { lastEffectOfLifeMs } from '../dataverse/late-effects.ts';
import { writeRows, type WriteResult } from '../dataverse/write-rows.ts';
import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { RowOutcome } from '../plan/outcome.ts';
import type { Slice } from '../source/source.ts';
import type { Lane } from './lane.ts';
import { isContested, type Standing } from './standing.ts';
import { unlessStopped } from './stop-signal.ts';

export interface ChunkSending {
  readonly lane: Lane;
  readonly slice: Slice;
  readonly standing: Standing;
  readonly log: SendLog;
  readonly signal: AbortSignal;
}

export type ChunkResult = Pick<WriteResult, 'outcomes' | 'timings'>;

/** Writes rows of a slice; one outcome for each of them, in any order. Throws like `writeRows`. */
export async function writeChunk(
  { lane, ...chunk }: Omit<ChunkSending, 'signal'>,
  rows: readonly EncodedRow[],
): Promise<ChunkResult> {
  return unlessStopped(lane, async (signal) => writeUntilSettled({ lane, ...chunk, signal }, rows));
}

async function writeUntilSettled(sending: ChunkSending, rows: readonly EncodedRow[]): Promise<ChunkResult> {
  const first = await send(sending, rows);
  const again = await lookTwice(sending, rows, first.outcomes);
  if (again.length === 0) return first;
  const outcomes = new Map([...first.outcomes, ...again].map((outcome) => [outcome.row, outcome]));
  return { outcomes: [...outcomes.values()], timings: first.timings };
}

async function send(
  { lane: { client, plan, boxEndsMs }, standing, log, signal }: ChunkSending,
  rows: readonly EncodedRow[],
): Promise<ChunkResult> {
  const { spec, lineage, createdAt } = plan.manifest;
  const { repeat, isAlone } = standing;
  const common = { table: plan.table, repeat, deadlineAtMs: boxEndsMs, log, signal };
  const { unchanged, settled } =
    lineage?.kind === 'undo' ? await findUnchanged(client, { ...common, rows }) : { unchanged: rows, settled: [] };
  const { operation } = spec.target;
  const { outcomes, timings } = await writeRows(client, {
    ...common,
    operation,
    rows: unchanged,
    options: spec.options,
    runStartedAt: createdAt,
    ...(isAlone ? {} : { othersUntilMs: lastEffectOfLifeMs(boxEndsMs) }),
  });
  return { outcomes: [...settled, ...outcomes], timings };
}

/**
 * A twin at work in the slice has left its mark before it sent. Then a refusal, or that a row is gone already, may be what the twin has brought
 * about: such rows are sent again as a repeat, which looks them up where they are refused again. Where others were reckoned with from the
 * start, that has been done.
 */
async function lookTwice(
  sending: ChunkSending,
  rows: readonly EncodedRow[],
  outcomes: readonly RowOutcome[],
): Promise<readonly RowOutcome[]> {
  const { lane, slice, standing } = sending;
  const doubtful = standing.isAlone ? doubtfulRows(rows, outcomes) : [];
  if (doubtful.length === 0 || !(await isContested(lane, slice, standing))) return [];
  return (await send({ ...sending, standing: { ...standing, repeat: true, isAlone: false } }, doubtful)).outcomes;
}

function doubtfulRows(rows: readonly EncodedRow[], outcomes: readonly RowOutcome[]): readonly EncodedRow[] {
  const doubtful = new Set(
    outcomes.filter(({ outcome }) => outcome === 'rejected' || outcome === 'alreadyAbsent').map(({ row }) => row),
  );
  return rows.filter(({ row }) => doubtful.has(row));
}
