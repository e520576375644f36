import { newSendLog } from '../dataverse/client.ts';
import { RequestRejectedError, ThrottledError, TransientError } from '../dataverse/errors.ts';
import { writeRows } from '../dataverse/write-rows.ts';
import { keyText, type EncodedRow } from '../mapping/encoded-row.ts';
import { isRejection } from '../mapping/row-encoder.ts';
import type { LaneEnd } from '../plan/lane.ts';
import type { RowOutcome } from '../plan/outcome.ts';
import { SourceChangedError } from '../source/blob-source.ts';
import { readRows } from '../source/rows.ts';
import type { RecordPlace } from '../source/source-row.ts';
import type { Slice } from '../source/source.ts';
import type { Lane } from './lane.ts';
import { tallyLog } from './lane-tally.ts';
import { createPartBuilder, type PartBuilder, type SettledRow } from './part-builder.ts';

/** Why a lane cannot go on. */
export interface SliceEnd {
  readonly end: Exclude<LaneEnd, 'done'>;
  readonly waitMs?: number;
  readonly detail?: string;
}

/** Sends the rows of one slice from `firstRow` on, request by request, until it ends or the lane has to stop. */
export async function sendSlice(
  lane: Lane,
  slice: Slice,
  firstRow: number,
): Promise<{ readonly builder: PartBuilder; readonly stop?: SliceEnd }> {
  const builder = createPartBuilder(firstRow);
  const early = await stopBefore(lane);
  if (early !== undefined) return { builder, stop: early };
  try {
    const bytes = await lane.deps.source.read(lane.plan.manifest.pin, slice.from, slice.to);
    const repeat = await mayRepeat(lane, firstRow);
    for (const chunk of chunksOf(lane, slice, bytes, firstRow)) {
      const stop =
        (builder.nextRow() === firstRow ? undefined : await stopBefore(lane)) ??
        (await sendChunk(lane, chunk, repeat, builder));
      if (stop !== undefined) return { builder, stop };
    }
    return { builder };
  } catch (error) {
    // What is settled so far is still committed.
    return { builder, stop: endOf(error) };
  }
}

async function stopBefore(lane: Lane): Promise<SliceEnd | undefined> {
  if (lane.deps.clock.now() >= lane.boxEndsMs) return { end: 'box' };
  return (await lane.deps.isCancelled(lane.input.runId)) ? { end: 'cancelled' } : undefined;
}

/**
 * Whether rows from `firstRow` on may have been sent before, by a life of this lane that ended without committing its part. Only deletes
 * and creates with ids of their own source read a first answer differently from a repeated one, so only they leave a mark before they send.
 * An id made by this run is nobody else's: meeting it always means that an earlier send has worked.
 */
async function mayRepeat({ plan, input, deps }: Lane, firstRow: number): Promise<boolean> {
  const { operation, key } = plan.mapping;
  if (operation === 'upsert' || operation === 'update') return false;
  return key.kind === 'made' || !(await deps.ledger.markIntent(input.runId, firstRow));
}

/** Consecutive rows of which at most one request's worth can be sent. */
interface Chunk {
  readonly settled: SettledRow[];
  readonly sendable: EncodedRow[];
}

function* chunksOf(lane: Lane, slice: Slice, bytes: Buffer, firstRow: number): Generator<Chunk> {
  const { plan } = lane;
  const { rowsPerRequest } = plan.manifest.spec.options;
  let chunk: Chunk = { settled: [], sendable: [] };
  const reading = { columns: plan.head.columns, firstRow: slice.firstRow, from: slice.from };
  for (const row of readRows(bytes, plan.format, reading)) {
    if (row.row < firstRow) continue;
    const encoded = plan.encode(row);
    if (isRejection(encoded))
      chunk.settled.push({ place: row, outcome: { row: row.row, outcome: 'rejected', rejection: encoded } });
    else chunk.sendable.push(encoded);
    if (chunk.sendable.length === rowsPerRequest) {
      yield chunk;
      chunk = { settled: [], sendable: [] };
    }
  }
  if (chunk.settled.length + chunk.sendable.length > 0) yield chunk;
}

/** Sends one chunk; its outcomes count only when every row of it has one. */
async function sendChunk(
  lane: Lane,
  chunk: Chunk,
  repeat: boolean,
  builder: PartBuilder,
): Promise<SliceEnd | undefined> {
  if (chunk.sendable.length === 0) {
    builder.add(chunk.settled);
    return undefined;
  }
  const { spec } = lane.plan.manifest;
  const log = newSendLog();
  try {
    const { outcomes, timings } = await writeRows(lane.deps.clientOf(spec.connection), {
      table: lane.plan.table,
      operation: spec.target.operation,
      rows: chunk.sendable,
      options: spec.options,
      repeat,
      runStartedAt: lane.plan.manifest.createdAt,
      deadlineAtMs: lane.boxEndsMs,
      log,
    });
    builder.add([...chunk.settled, ...outcomes.map((outcome, at) => settledRow(outcome, chunk.sendable[at]))]);
    for (const timing of timings) {
      lane.tally.sendMs += timing.ms;
      lane.tally.sentRows += timing.rows;
    }
    return undefined;
  } catch (error) {
    // The chunk may have been written; whoever begins again at its first row has to know.
    if (log.requests > 0) await mayRepeat(lane, builder.nextRow());
    return endOf(error);
  } finally {
    tallyLog(lane.tally, log);
    lane.deps.live.add(lane.input.runId, lane.input.wave, { requests: log.requests, throttled: log.throttles.length });
  }
}

function settledRow(outcome: RowOutcome, row: (EncodedRow & RecordPlace) | undefined): SettledRow {
  if (row?.row !== outcome.row)
    throw new Error(`The outcome of row ${outcome.row} came in the place of row ${row?.row ?? 'none'}.`);
  return { place: row, outcome, key: Buffer.from(keyText(row.key), 'latin1').toString('utf8') };
}

function endOf(error: unknown): SliceEnd {
  if (error instanceof ThrottledError) return { end: 'throttled', waitMs: error.retryAfterMs, detail: error.message };
  // Without all attempts made it was the end of the box that cut them short.
  if (error instanceof TransientError) return { end: error.exhausted ? 'unavailable' : 'box', detail: error.message };
  if (error instanceof RequestRejectedError || error instanceof SourceChangedError) {
    return { end: 'refused', detail: error.message };
  }
  return { end: 'unavailable', detail: error instanceof Error ? error.message : String(error) };
}
