import type { SendLog } from '../dataverse/client.ts';
import { findUnchanged } from '../dataverse/find-unchanged.ts';
import { writeRows, type WriteResult } from '../dataverse/write-rows.ts';
import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { RowOutcome } from '../plan/outcome.ts';
import type { Slice } from '../source/source.ts';
import type { Lane } from './lane.ts';
import { unlessStopped } from './stop-signal.ts';

export interface ChunkSending {
  readonly lane: Lane;
  readonly slice: Slice;
  /** The rows may have been sent before. */
  readonly repeat: boolean;
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
  { lane: { client, plan, boxEndsMs }, repeat, log, signal }: ChunkSending,
  rows: readonly EncodedRow[],
): Promise<ChunkResult> {
  const { spec, lineage, createdAt } = plan.manifest;
  const common = { table: plan.table, repeat, deadlineAtMs: boxEndsMs, log, signal };
  const { unchanged, settled } =
    lineage?.kind === 'undo' ? await findUnchanged(client, { ...common, rows }) : { unchanged: rows, settled: [] };
  const { operation } = spec.target;
  const request = { ...common, operation, rows: unchanged, options: spec.options, runStartedAt: createdAt };
  const { outcomes, timings } = await writeRows(client, request);
  return { outcomes: [...settled, ...outcomes], timings };
}

/**
 * A twin at work in the slice has left its mark before it sent. Then a refusal, or that a row is gone already, may be what the twin has brought
 * about: such rows are sent again as a repeat, which looks them up where they are refused again.
 */
async function lookTwice(
  sending: ChunkSending,
  rows: readonly EncodedRow[],
  outcomes: readonly RowOutcome[],
): Promise<readonly RowOutcome[]> {
  const { deps, input } = sending.lane;
  const doubtful = doubtfulRows(rows, outcomes);
  if (doubtful.length === 0 || !(await deps.ledger.isContested(input.runId, sending.slice.firstRow))) return [];
  return (await send({ ...sending, repeat: true }, doubtful)).outcomes;
}

function doubtfulRows(rows: readonly EncodedRow[], outcomes: readonly RowOutcome[]): readonly EncodedRow[] {
  const doubtful = new Set(
    outcomes.filter(({ outcome }) => outcome === 'rejected' || outcome === 'alreadyAbsent').map(({ row }) => row),
  );
  return rows.filter(({ row }) => doubtful.has(row));
}
