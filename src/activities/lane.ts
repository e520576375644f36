import type { SendRowsInput } from '../plan/payloads.ts';
import { isDue, type Stretch } from '../plan/stretch.ts';
import type { Slice } from '../source/source.ts';
import type { Client } from '../dataverse/client.ts';
import type { ServerPin } from '../dataverse/server-pin.ts';
import type { Breaker } from './breaker.ts';
import type { LaneDeps } from './lane-deps.ts';
import { tallyPart, type LaneStop, type LaneTally } from './lane-tally.ts';
import type { PartBuilder } from './part-builder.ts';
import type { RunPlan } from './run-plan.ts';
import { sendSlice, type SliceEnd } from './slice-sender.ts';

export interface Lane {
  readonly deps: LaneDeps;
  readonly plan: RunPlan;
  readonly input: SendRowsInput;
  readonly tally: LaneTally;
  /** Sends under the plan's connection, and to the pinned server where there is a pin. */
  readonly client: Client;
  readonly pin: ServerPin | undefined;
  readonly boxStartsMs: number;
  /** No request begins after this moment. */
  readonly boxEndsMs: number;
  readonly breaker: Breaker;
  /** What other hosts were ordered is known. */
  readonly waitsRecalled: Promise<void>;
}

/** Works through the lane's stretches and says where it stopped. Whatever fails, what was committed until then is reported. */
export async function runLane(lane: Lane): Promise<LaneStop> {
  const { stretches } = lane.input;
  // An earlier life of this lane may have committed parts; behind the first row without one there are none, unless a twin is at work.
  const adoption = { expected: true };
  const aside: Stretch[] = [];
  for (const [position, stretch] of stretches.entries()) {
    let { cursor } = stretch;
    for (let at = stretch.from; at < stretch.to; at += 1) {
      const slice = lane.plan.index.slice(at);
      const progress = { row: cursor ?? slice.firstRow };
      const dueAt = dueAtOf(lane, stretch);
      const stop = await finishSlice(lane, slice, progress, { adoption, dueAt }).catch(unavailable);
      cursor = undefined;
      if (stop === undefined) continue;
      if (stop === 'poisoned') {
        lane.tally.poisoned.push({ from: at, to: at + 1, ...cursorAt(slice, progress.row) });
        // A life before this one may have come to the same end here, and have gone on.
        adoption.expected = true;
        continue;
      }
      const here = remainder(stretch, at, slice, progress, stop);
      if (stop.asideUntilMs !== undefined && aside.length < mostAside) {
        aside.push(...here.slice(0, 1));
        continue;
      }
      return { ...stop, left: [...aside, ...here, ...stretches.slice(position + 1)] };
    }
  }
  return { end: 'done', left: aside };
}

/** Where so many slices of a box have to be set aside, the environment is in trouble, and the lane ends. */
const mostAside = 2;

/** When the one slice of a stretch that was set aside was due; undefined where it was not, or is not yet. */
function dueAtOf({ deps }: Lane, stretch: Stretch): string | undefined {
  return isDue(stretch, deps.clock.now()) ? stretch.notBeforeAt : undefined;
}

/** This life is heard of, so it is none of those that a slice has killed. Where storage fails it counts as one: that errs by a look. */
export async function sayFarewell({ tally: { countedAt }, deps, input }: Lane): Promise<void> {
  if (countedAt === undefined) return;
  await deps.ledger.forgetLives(input.runId, countedAt).catch(() => undefined);
}

const unavailable = (error: unknown): SliceEnd => ({
  end: 'unavailable',
  detail: error instanceof Error ? error.message : String(error),
});

/** Brings a slice to its end, by adopting parts that exist and sending the rest. `progress` always says which row comes next. */
async function finishSlice(
  lane: Lane,
  slice: Slice,
  progress: { row: number },
  { adoption, dueAt }: { readonly adoption: { expected: boolean }; readonly dueAt: string | undefined },
): Promise<SliceEnd | 'poisoned' | undefined> {
  const behind = slice.firstRow + slice.rowCount;
  while (progress.row < behind) {
    if (adoption.expected) {
      const part = await lane.deps.ledger.findPart(lane.input.runId, progress.row);
      if (part !== undefined) {
        tallyPart(lane.tally, part);
        progress.row = part.firstRow + part.rowCount;
        continue;
      }
      adoption.expected = false;
    }
    const before = progress.row;
    const { builder, stop } = await sendSlice(lane, slice, before, dueAt);
    if (stop === 'poisoned') return stop;
    progress.row = await commit(lane, builder, before, adoption);
    if (progress.row > before) lane.tally.countedAt = undefined;
    if (stop !== undefined) return stop;
    if (progress.row === before)
      throw new Error(`Slice of rows ${slice.firstRow} to ${behind - 1} yields no row ${before}.`);
  }
  return undefined;
}

/** Commits what was collected; where a twin was first, its part counts and ours is forgotten. */
async function commit(
  lane: Lane,
  builder: PartBuilder | undefined,
  row: number,
  adoption: { expected: boolean },
): Promise<number> {
  const part = builder?.build();
  if (part === undefined) return row;
  const { runId, wave } = lane.input;
  const result = await lane.deps.ledger.commitPart(runId, part);
  tallyPart(lane.tally, result.part);
  if (result.first) lane.deps.live.add(runId, wave, { rows: part.rowCount, counts: part.counts });
  else adoption.expected = true;
  return result.part.firstRow + result.part.rowCount;
}

/** What is left of a stretch; first of all, the slice that has to wait, if it has. */
function remainder(
  stretch: Stretch,
  at: number,
  slice: Slice,
  { row }: { readonly row: number },
  { asideUntilMs }: SliceEnd,
): readonly Stretch[] {
  const isDone = row >= slice.firstRow + slice.rowCount;
  const behind = at + 1 < stretch.to ? [{ from: at + 1, to: stretch.to }] : [];
  if (isDone) return behind;
  const cursor = cursorAt(slice, row);
  if (asideUntilMs === undefined) {
    // A slice that was set aside before and not gone on with stays as it was.
    const isAsBefore = stretch.notBeforeAt !== undefined && row === (stretch.cursor ?? slice.firstRow);
    return [isAsBefore ? stretch : { from: at, to: stretch.to, ...cursor }];
  }
  return [{ from: at, to: at + 1, ...cursor, notBeforeAt: new Date(asideUntilMs).toISOString() }, ...behind];
}

const cursorAt = ({ firstRow }: Slice, row: number): Pick<Stretch, 'cursor'> => (row > firstRow ? { cursor: row } : {});
