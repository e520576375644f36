import { newSendLog } from '../dataverse/send-log.ts';
import { RequestRejectedError, ThrottledError, TransientError, UnsettledError } from '../dataverse/errors.ts';
import { mayGoOnAtMs, rowsBefore, throttlesIn, type LaneEnd } from '../plan/lane.ts';
import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { RowOutcome } from '../plan/outcome.ts';
import { addSends, sendOf } from '../plan/request-size.ts';
import { SourceChangedError } from '../source/blob-source.ts';
import type { Slice } from '../source/source.ts';
import { chunksOf, settle, type Chunk, type ChunkContext } from './chunks.ts';
import type { Lane } from './lane.ts';
import { isRoomy, tallyLog, type LaneTally } from './lane-tally.ts';
import { createPartBuilder, type PartBuilder, type SettledRow } from './part-builder.ts';
import { takeStanding, type Standing } from './standing.ts';
import { LaneStoppedError } from './stop-signal.ts';
import { writeChunk } from './write-chunk.ts';

/** Why a lane cannot go on. */
export interface SliceEnd {
  readonly end: Exclude<LaneEnd, 'done'>;
  readonly waitMs?: number;
  readonly detail?: string;
  /** What became of the last request is not known. */
  readonly isDoubtful?: true;
  /** Only this slice has to wait, until this moment: what was sent of its rows may take effect until then. */
  readonly asideUntilMs?: number;
}

export interface SliceResult {
  /** What has an outcome and is not committed yet; absent when nothing was begun. */
  readonly builder?: PartBuilder;
  /** `poisoned`: enough lives were lost here. */
  readonly stop?: SliceEnd | 'poisoned';
}

/**
 * Sends the rows of one slice from `firstRow` on, request by request, until it ends or the lane has to stop. `dueAt`: the slice was set aside
 * until then.
 */
export async function sendSlice(lane: Lane, slice: Slice, firstRow: number, dueAt?: string): Promise<SliceResult> {
  const early = await stopBefore(lane);
  if (early !== undefined) return { stop: early };
  const { clock, ledger, source } = lane.deps;
  const { runId } = lane.input;
  const ended = (error: unknown): SliceEnd => endOf(error, clock.now());
  // The mark comes first: it tells also of a life that was killed by what it read.
  const standing = await takeStanding(lane, slice, firstRow, dueAt).catch(ended);
  if (standing === 'poisoned' || 'end' in standing) return { stop: standing };
  const bytes = await source.read(lane.plan.rows, slice.from, slice.to).catch(ended);
  if ('end' in bytes) {
    // Where storage fails again the mark stays, which costs a look.
    if (!standing.repeat) await ledger.markUntouched(runId, firstRow).catch(() => undefined);
    return { stop: bytes };
  }
  const builder = createPartBuilder(firstRow, { bytes, from: slice.from });
  try {
    for (const chunk of chunksOf(contextOf(lane, firstRow), slice, bytes)) {
      const stop = (await stopBefore(lane)) ?? (await sendChunk(lane, slice, chunk, standing, builder));
      if (stop === undefined) continue;
      const isUntouched = !standing.repeat && stop.isDoubtful === undefined && builder.nextRow() === firstRow;
      if (isUntouched) await ledger.markUntouched(runId, firstRow);
      return { builder, stop };
    }
    return { builder };
  } catch (error) {
    // What is settled so far is still committed.
    return { builder, stop: ended(error) };
  }
}

/** Rests until the lane may send again. Somebody may stop the run meanwhile, so it sleeps a little at a time. */
async function stopBefore(lane: Lane): Promise<SliceEnd | undefined> {
  const { clock, stopOf } = lane.deps;
  for (;;) {
    if (clock.now() >= lane.boxEndsMs || isOutdated(lane)) return { end: 'box' };
    const end = await stopOf(lane.input.runId);
    if (end !== undefined) return { end };
    const owedMs = owedRestMs(lane);
    if (owedMs < leastRestMs) return undefined;
    const restMs = Math.min(owedMs, longestRestMs, lane.boxEndsMs - clock.now());
    lane.tally.restedMs += restMs;
    await clock.sleep(Math.max(1, restMs));
  }
}

/** How long the lane has to hold back: by its pace, or to keep to its share of the time since its last rest. */
function owedRestMs({ tally, input, boxStartsMs, deps }: Lane): number {
  if (input.route?.pace === undefined) return tally.busyMs * (1 / input.duty - 1) - tally.restedMs;
  return boxStartsMs + mayGoOnAtMs(input.route.pace, tally.busyMs) - deps.clock.now();
}

/** Shorter rests are saved up, longer ones taken in pieces. */
const leastRestMs = 20;
const longestRestMs = 2_000;
/** Servers may disagree a little about the hint; that is not worth a new wave. */
const leastHintMove = 0.2;
/** A wave that meets limits this often is better planned anew than slept through. */
const mostThrottlesInBox = 2;

/**
 * What was granted no longer fits: the environment recommends another number, refuses again and again, has taken the lane's server away or shows
 * more room than was reckoned with; what would show it has fallen silent; or the lane has seen where it is sent, and that was all it was for.
 */
function isOutdated({ tally, input, pin }: Lane): boolean {
  if (hintMoved(tally, input.dopHint) || throttlesIn(tally.throttles) >= mostThrottlesInBox) return true;
  if (pin === undefined || input.route === undefined) return false;
  const { leftSeconds, once } = input.route;
  const isUnheard = leftSeconds !== undefined && pin.silent;
  return pin.gone !== undefined || isRoomy(pin, input.route) || isUnheard || (once === true && tally.requests > 0);
}

const hintMoved = ({ dopHint }: LaneTally, grantedFor: number | null): boolean =>
  dopHint !== undefined && grantedFor !== null && Math.abs(dopHint - grantedFor) > grantedFor * leastHintMove;

function contextOf(lane: Lane, firstRow: number): ChunkContext {
  const { plan, input, tally, boxEndsMs, deps } = lane;
  const { tolerate, duplicates } = plan.manifest.spec.options;
  const limits = () => {
    const rowMs = tally.sends.rows === 0 ? 0 : tally.sends.ms / tally.sends.rows;
    // It is sent when the lane has rested.
    const atMs = deps.clock.now() + Math.max(0, owedRestMs(lane));
    const rows = rowsBefore(boxEndsMs, { atMs, rows: input.rowsPerRequest, rowMs });
    const sendable = Math.min(rows, input.rowLimit ?? rows);
    // Rows that need no request are looked at as often as the breaker has to.
    return { sendable, settled: Math.min(sendable, tolerate.inARow) };
  };
  return { plan, duplicates, firstRow, limits };
}

/** Sends one chunk; its outcomes count only when every row of it has one. */
async function sendChunk(
  lane: Lane,
  slice: Slice,
  chunk: Chunk,
  standing: Standing,
  builder: PartBuilder,
): Promise<SliceEnd | undefined> {
  if (chunk.sendable.length === 0) return settleChunk(lane, chunk.settled, builder);
  const { runId, wave } = lane.input;
  const log = newSendLog((wait) => lane.deps.live.ordered(runId, wave, wait));
  await lane.waitsRecalled;
  try {
    const { outcomes, timings } = await writeChunk({ lane, slice, standing, log }, chunk.sendable);
    for (const { rows, ms } of timings) lane.tally.sends = addSends(lane.tally.sends, sendOf(rows, ms));
    const sent = settleSent(lane, chunk.sendable, outcomes);
    for (const { outcome } of sent) if (outcome.rejection?.class === 'service') lane.tally.badRows += 1;
    return settleChunk(lane, chunk.settled.length === 0 ? sent : [...chunk.settled, ...sent], builder);
  } catch (error) {
    const end = endOf(error, lane.deps.clock.now());
    // Whoever goes on here has to take this chunk for sent, unless its only request was refused.
    const isRefused = error instanceof RequestRejectedError && log.requests <= 1;
    if (log.requests === 0 || isRefused) return end;
    await lane.deps.ledger.markIntent(runId, builder.nextRow());
    return { ...end, isDoubtful: true };
  } finally {
    // What a server had spent that is gone went with it.
    if (lane.pin?.gone !== undefined) lane.tally.spent = [];
    tallyLog(lane.tally, log, lane.deps.clock.now() - lane.boxStartsMs);
    lane.deps.live.add(runId, wave, { requests: log.requests, throttled: log.throttles.length });
  }
}

/** The rows with their outcomes. */
function settleSent(
  { plan }: Lane,
  rows: readonly EncodedRow[],
  outcomes: readonly RowOutcome[],
): readonly SettledRow[] {
  // Nearly always the outcomes come as the rows went.
  const isInOrder = outcomes.length === rows.length && rows.every(({ row }, at) => outcomes[at]?.row === row);
  const byRow = isInOrder ? undefined : new Map(outcomes.map((outcome) => [outcome.row, outcome]));
  return rows.map((row, at) => {
    const outcome = byRow === undefined ? outcomes[at] : byRow.get(row.row);
    if (outcome === undefined) throw new Error(`Row ${row.row} was sent and has no outcome.`);
    return settle(plan, row, outcome, row.key);
  });
}

function settleChunk(lane: Lane, settled: readonly SettledRow[], builder: PartBuilder): SliceEnd | undefined {
  builder.add(settled);
  const detail = lane.breaker.note(settled.map(({ outcome }) => outcome));
  if (detail !== undefined) return { end: 'broken', detail };
  lane.tally.rejected += settled.filter(({ outcome }) => outcome.outcome === 'rejected').length;
  const { rowLimit, mostRejected } = lane.input;
  // Whether the run stops is for the orchestrator to say; a lane does not go on rejecting until the end of its box.
  const isPastTolerance = mostRejected !== undefined && lane.tally.rejected > mostRejected;
  return rowLimit !== undefined || isPastTolerance ? { end: 'box' } : undefined;
}

function endOf(error: unknown, nowMs: number): SliceEnd {
  if (error instanceof LaneStoppedError) return { end: error.mark };
  if (error instanceof ThrottledError) return { end: 'throttled', waitMs: error.retryAfterMs, detail: error.message };
  if (error instanceof UnsettledError)
    return { end: 'unavailable', detail: error.message, asideUntilMs: nowMs + error.waitMs };
  // Without all attempts made it was the end of the box that cut them short.
  if (error instanceof TransientError) return { end: error.exhausted ? 'unavailable' : 'box', detail: error.message };
  if (error instanceof RequestRejectedError || error instanceof SourceChangedError) {
    return { end: 'refused', detail: error.message };
  }
  return { end: 'unavailable', detail: error instanceof Error ? error.message : String(error) };
}
