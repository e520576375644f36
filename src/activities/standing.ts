import { mostLives, mostLivesInAll, type LifeMark } from '../plan/poison.ts';
import type { Slice } from '../source/source.ts';
import type { Lane } from './lane.ts';

/** How a life of a lane stands to the others that may have sent the same rows. */
export interface Standing {
  /** The rows may have been sent before. */
  readonly repeat: boolean;
  /** Nothing that others have sent of them can take effect any more, as far as marks tell. */
  readonly isAlone: boolean;
  /** When the slice was due again, if it was set aside. */
  readonly dueAt?: string;
}

/**
 * Leaves a mark before anything is sent, so that a later life knows, and so that the books of a run that ends early tell rows nobody touched from
 * rows nobody knows of. Rows from `firstRow` on may have been sent before by an earlier life that began here and left no part, or by a twin
 * anywhere in the slice; `poisoned` where too many of them were never heard of again. When a slice that was set aside is due, its rows were sent, but that is over, unless there is a twin again.
 */
export async function takeStanding(
  lane: Pick<Lane, 'deps' | 'input' | 'tally'>,
  slice: Slice,
  firstRow: number,
  dueAt: string | undefined,
): Promise<Standing | 'poisoned'> {
  if (dueAt !== undefined) return takeUpAgain(lane, slice, firstRow, dueAt);
  const { ledger } = lane.deps;
  const { runId } = lane.input;
  const isFirst = await ledger.markIntent(runId, firstRow);
  // Whoever was here before and sent nothing (the box ended, the run was paused) makes this life no repeat.
  const isFirstToSend = isFirst || (await ledger.claimUntouched(runId, firstRow));
  if (!isFirstToSend) {
    if (await isOneTooMany(lane, { of: 'lane', firstRow })) return 'poisoned';
    await ledger.markContested(runId, slice.firstRow);
    return { repeat: true, isAlone: false };
  }
  const repeat = (!isFirst || firstRow > slice.firstRow) && (await ledger.isContested(runId, slice.firstRow));
  return { repeat, isAlone: !repeat };
}

async function takeUpAgain(
  lane: Pick<Lane, 'deps' | 'input' | 'tally'>,
  slice: Slice,
  firstRow: number,
  dueAt: string,
): Promise<Standing | 'poisoned'> {
  const { ledger } = lane.deps;
  const { runId } = lane.input;
  const isFirst = await ledger.markIntent(runId, firstRow, dueAt);
  if (!isFirst) {
    if (await isOneTooMany(lane, { of: 'lane', firstRow, dueAt })) return 'poisoned';
    await ledger.markContested(runId, slice.firstRow);
    await ledger.markContested(runId, slice.firstRow, dueAt);
  }
  return { repeat: true, isAlone: isFirst && !(await ledger.isContested(runId, slice.firstRow, dueAt)), dueAt };
}

/** Counts this life in the mark that it found; true where enough lives that began there were never heard of again. */
async function isOneTooMany(
  { deps: { ledger }, input: { runId, alone }, tally }: Pick<Lane, 'deps' | 'input' | 'tally'>,
  mark: LifeMark,
): Promise<boolean> {
  const most = alone === true ? mostLivesInAll : mostLives;
  if ((await ledger.countLife(runId, mark, most)) > most) return true;
  tally.countedAt = mark;
  return false;
}

/** Whether a twin has left its mark since the standing was taken. */
export async function isContested(
  { deps: { ledger }, input: { runId } }: Pick<Lane, 'deps' | 'input'>,
  slice: Slice,
  { dueAt }: Standing,
): Promise<boolean> {
  return ledger.isContested(runId, slice.firstRow, dueAt);
}
