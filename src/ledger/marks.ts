import { RestError, type ContainerClient } from '@azure/storage-blob';
import type { LifeMark } from '../plan/poison.ts';
import { nothing, put, putOnce } from './blobs.ts';
import { paths, rowOfMark } from './paths.ts';

/** A mark in the ledger that every lane looks for before it sends. */
export type StopMark = 'cancelled' | 'paused';

export type PauseState = 'paused' | 'unpaused';

/** Where sending began, and where more than one copy of a lane did. */
export interface Intents {
  readonly begun: ReadonlySet<number>;
  /** First rows of slices. */
  readonly contested: ReadonlySet<number>;
  /** Where the life that began ended without having written anything. */
  readonly untouched: ReadonlySet<number>;
  /** Lives of lanes that began there, where there was more than one. */
  readonly lives: ReadonlyMap<number, number>;
}

/** Small blobs that say who was at work where. */
export interface LaneMarks {
  /**
   * Marks that rows from this one on are about to be sent; false when a mark was there already. What is taken up again after it was set aside
   * has marks of its own, named by the time at which it was due.
   */
  readonly markIntent: (runId: string, firstRow: number, dueAt?: string) => Promise<boolean>;
  /**
   * Counts a further life in the mark that is there; answers which one it is, the one that left the mark included. One beyond `most` is not counted.
   */
  readonly countLife: (runId: string, mark: LifeMark, most: number) => Promise<number>;
  /** The lives that were counted there do not count any more: one of them was heard of. */
  readonly forgetLives: (runId: string, mark: LifeMark) => Promise<void>;
  /** Marks that two copies of a lane may have been at work in the slice that begins with this row. */
  readonly markContested: (runId: string, sliceFirstRow: number, dueAt?: string) => Promise<void>;
  readonly isContested: (runId: string, sliceFirstRow: number, dueAt?: string) => Promise<boolean>;
  /** Takes a mark back: the life that left it here has written nothing. */
  readonly markUntouched: (runId: string, firstRow: number) => Promise<void>;
  /** Makes the mark count again, for the one who is to begin here now; true for one caller, and only where a mark was taken back. */
  readonly claimUntouched: (runId: string, firstRow: number) => Promise<boolean>;
  /** All marks of a run. */
  readonly readIntents: (runId: string) => Promise<Intents>;
}

export interface StopMarks {
  /** Asks every lane of a run to stop before its next request. */
  readonly cancel: (runId: string) => Promise<void>;
  /** What lanes are asked to do before their next request. */
  readonly readStop: (runId: string) => Promise<StopMark | undefined>;
  /** Answers whether the run was paused. */
  readonly setPaused: (runId: string, paused: PauseState) => Promise<boolean>;
}

export function createLaneMarks(container: ContainerClient): LaneMarks {
  return {
    async markIntent(runId, firstRow, dueAt) {
      const { first } = await putOnce(container, paths.intent(runId, firstRow, dueAt), '', nothing);
      return first;
    },
    countLife: (runId, { of, firstRow, dueAt }, most) =>
      countLife(container, paths.intent(runId, firstRow, dueAt), of, most),
    forgetLives: async (runId, { of, firstRow, dueAt }) =>
      changeMark(container, paths.intent(runId, firstRow, dueAt), ({ [of]: _forgotten, ...others }) => others),
    async markContested(runId, sliceFirstRow, dueAt) {
      await putOnce(container, paths.contested(runId, sliceFirstRow, dueAt), '', nothing);
    },
    isContested: (runId, sliceFirstRow, dueAt) =>
      container.getBlobClient(paths.contested(runId, sliceFirstRow, dueAt)).exists(),
    async markUntouched(runId, firstRow) {
      await putOnce(container, paths.untouched(runId, firstRow), '', nothing);
    },
    async claimUntouched(runId, firstRow) {
      return (await container.getBlobClient(paths.untouched(runId, firstRow)).deleteIfExists()).succeeded;
    },
    async readIntents(runId) {
      const begun = await marksIn(container, paths.intents(runId));
      return {
        begun: new Set(begun.keys()),
        contested: new Set((await marksIn(container, paths.contests(runId))).keys()),
        untouched: new Set((await marksIn(container, paths.untoucheds(runId))).keys()),
        lives: new Map([...begun].filter(([, lives]) => lives > 1)),
      };
    },
  };
}

/** Row numbers of marks, with the most lives that are counted in one of them. */
async function marksIn(container: ContainerClient, prefix: string): Promise<ReadonlyMap<number, number>> {
  const marks = new Map<number, number>();
  for await (const { name, metadata } of container.listBlobsFlat({ prefix, includeMetadata: true })) {
    const row = rowOfMark(name);
    marks.set(row, Math.max(marks.get(row) ?? 1, Number(metadata?.['lane'] ?? 1)));
  }
  return marks;
}

async function countLife(container: ContainerClient, name: string, of: LifeMark['of'], most: number): Promise<number> {
  let life = 0;
  await changeMark(container, name, (metadata) => {
    // The lane that leaves a mark is the first; the first look finds a mark of a lane.
    life = Number(metadata[of] ?? (of === 'lane' ? 1 : 0)) + 1;
    return life > most ? undefined : { ...metadata, [of]: String(life) };
  });
  return life;
}

type MarkMetadata = Readonly<Record<string, string>>;

/** What copies change at one moment is all changed. `change` may be asked again; with `undefined` the mark stays as it is. */
async function changeMark(
  container: ContainerClient,
  name: string,
  change: (metadata: MarkMetadata) => MarkMetadata | undefined,
): Promise<void> {
  const blob = container.getBlobClient(name);
  for (;;) {
    const { metadata = {}, etag } = await blob.getProperties();
    const next = change(metadata);
    if (next === undefined) return;
    try {
      await blob.setMetadata({ ...next }, etag === undefined ? {} : { conditions: { ifMatch: etag } });
      return;
    } catch (error) {
      if (!(error instanceof RestError) || error.statusCode !== 412) throw error;
    }
  }
}

export function createStopMarks(container: ContainerClient): StopMarks {
  return {
    cancel: (runId) => put(container, paths.cancel(runId), '', nothing),
    async readStop(runId) {
      const [isCancelled, isPaused] = await Promise.all([
        container.getBlobClient(paths.cancel(runId)).exists(),
        container.getBlobClient(paths.pause(runId)).exists(),
      ]);
      if (isCancelled) return 'cancelled';
      return isPaused ? 'paused' : undefined;
    },
    async setPaused(runId, paused) {
      if (paused === 'unpaused') return (await container.getBlobClient(paths.pause(runId)).deleteIfExists()).succeeded;
      return !(await putOnce(container, paths.pause(runId), '', nothing)).first;
    },
  };
}
