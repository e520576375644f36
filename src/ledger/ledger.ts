import type { ContainerClient } from '@azure/storage-blob';
import type { StoredCost } from '../plan/estimate.ts';
import type { Lineage } from '../plan/lineage.ts';
import type { JobPlan } from '../plan/plan-job.ts';
import type { LiveTally } from '../plan/progress.ts';
import type { FailureGroup, PartTally, Report } from '../plan/report.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import type { SourceFormat, SourceHead, SourcePin } from '../source/source.ts';
import { ifFound, put, putOnce, read, readJson } from './blobs.ts';
import { writeFailures, type FailureSheet } from './failures.ts';
import { commitPart, findPart, listParts, readPart, type CommitResult, type Part, type PartEntry } from './parts.ts';
import { readSpool, writeSpool } from './spool.ts';
import { paths, rowOfMark, runIdOfRecent, type CostKey, type FailuresFormat } from './paths.ts';

/** What a run is, fixed when it is accepted. */
export interface Manifest {
  readonly runId: string;
  readonly spec: RunSpec;
  /** The version of the source that counts; a changed file ends the run. */
  readonly pin: SourcePin;
  readonly createdAt: string;
  /** Present when the rows are those of an earlier run. */
  readonly lineage?: Lineage;
}

/** Rows of an earlier run, copied into a file of their own. */
export interface SpoolHead {
  readonly format: SourceFormat;
  readonly head: SourceHead;
}

export interface Spool extends SpoolHead {
  readonly pin: SourcePin;
  readonly rowMap: Buffer;
}

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
}

/** The version of a sync's source that was started last. */
export interface SyncRecord {
  readonly version: string;
  readonly runId: string;
  /** Runs begun for this version. */
  readonly attempt: number;
}

/** The truth about rows, in blob storage. Everything written here is safe to write again. */
export interface Ledger {
  /** Fixes the run's manifest; the first one wins and is returned. */
  readonly accept: (manifest: Manifest) => Promise<Manifest>;
  readonly manifest: (runId: string) => Promise<Manifest | undefined>;
  /** Run ids, newest first. */
  readonly recentRuns: (top: number) => Promise<readonly string[]>;
  /** Kept as first written: parts and lanes rely on it. */
  readonly writeMapping: (runId: string, mapping: unknown) => Promise<void>;
  readonly readMapping: <T>(runId: string) => Promise<T | undefined>;
  /** Kept as first written: where slices begin is where parts may begin. */
  readonly writeIndex: (runId: string, bytes: Buffer, sha256: string) => Promise<void>;
  readonly readIndex: (runId: string) => Promise<{ readonly bytes: Buffer; readonly sha256: string } | undefined>;
  /** Row numbers of repeated keys; see repeated-keys.ts. */
  readonly writeRepeatedKeys: (runId: string, bytes: Buffer) => Promise<void>;
  readonly readRepeatedKeys: (runId: string) => Promise<Buffer | undefined>;
  /** Written once; another copy's rows, which are the same, are kept. `rows` is read before `rowMap` is asked for. */
  readonly writeSpool: (
    runId: string,
    spool: SpoolHead,
    rows: AsyncIterable<Buffer>,
    rowMap: () => Buffer,
  ) => Promise<void>;
  readonly readSpool: (runId: string) => Promise<Spool | undefined>;
  /** Notes that a run takes up rows of this one. */
  readonly addChild: (runId: string, childId: string) => Promise<void>;
  readonly children: (runId: string) => Promise<readonly string[]>;
  readonly commitPart: (runId: string, part: Part) => Promise<CommitResult>;
  readonly findPart: (runId: string, firstRow: number) => Promise<PartTally | undefined>;
  readonly listParts: (runId: string) => AsyncIterable<PartEntry>;
  /**
   * Marks that rows from this one on are about to be sent; false when a mark was there already. What is taken up again after it was set aside
   * has marks of its own, named by the time at which it was due.
   */
  readonly markIntent: (runId: string, firstRow: number, dueAt?: string) => Promise<boolean>;
  /** Marks that two copies of a lane may have been at work in the slice that begins with this row. */
  readonly markContested: (runId: string, sliceFirstRow: number, dueAt?: string) => Promise<void>;
  readonly isContested: (runId: string, sliceFirstRow: number, dueAt?: string) => Promise<boolean>;
  /** Takes a mark back: the life that left it here has written nothing. */
  readonly markUntouched: (runId: string, firstRow: number) => Promise<void>;
  /** Makes the mark count again, for the one who is to begin here now; true for one caller, and only where a mark was taken back. */
  readonly claimUntouched: (runId: string, firstRow: number) => Promise<boolean>;
  /** All marks of a run. */
  readonly readIntents: (runId: string) => Promise<Intents>;
  readonly writeLive: (runId: string, hostInstance: string, tally: LiveTally) => Promise<void>;
  readonly readLive: (runId: string) => Promise<readonly LiveTally[]>;
  readonly readSync: (sync: string) => Promise<SyncRecord | undefined>;
  readonly writeSync: (sync: string, record: SyncRecord) => Promise<void>;
  /** Asks every lane of a run to stop before its next request. */
  readonly cancel: (runId: string) => Promise<void>;
  /** What lanes are asked to do before their next request. */
  readonly readStop: (runId: string) => Promise<StopMark | undefined>;
  /** Answers whether the run was paused. */
  readonly setPaused: (runId: string, paused: PauseState) => Promise<boolean>;
  readonly readPart: (runId: string, firstRow: number) => Promise<Part>;
  readonly writeFailures: (
    runId: string,
    parts: readonly PartEntry[],
    sheet: FailureSheet,
  ) => Promise<readonly FailureGroup[]>;
  readonly readFailures: (runId: string, format: FailuresFormat) => Promise<NodeJS.ReadableStream | undefined>;
  /** What the run was planned to be when it had been indexed; kept as first written. */
  readonly writePlan: (runId: string, plan: JobPlan) => Promise<void>;
  readonly readPlan: (runId: string) => Promise<JobPlan | undefined>;
  /** Closes the books for good: the first report stays and is returned. */
  readonly writeReport: (report: Report) => Promise<Report>;
  readonly readReport: (runId: string) => Promise<Report | undefined>;
  /** What requests of an operation on a table were found to cost; the latest run counts. */
  readonly writeCost: (key: CostKey, cost: StoredCost) => Promise<void>;
  readonly readCost: (key: CostKey) => Promise<StoredCost | undefined>;
}

const json = { contentType: 'application/json' } as const;

export function createLedger(container: ContainerClient): Ledger {
  async function rowsOf(prefix: string): Promise<ReadonlySet<number>> {
    const rows = new Set<number>();
    for await (const { name } of container.listBlobsFlat({ prefix })) rows.add(rowOfMark(name));
    return rows;
  }

  return {
    async accept(manifest) {
      await container.createIfNotExists();
      const { first } = await putOnce(container, paths.manifest(manifest.runId), JSON.stringify(manifest), json);
      const kept = first ? manifest : await readJson<Manifest>(container, paths.manifest(manifest.runId));
      if (kept === undefined) throw new Error(`The manifest of run ${manifest.runId} exists and cannot be read.`);
      await putOnce(container, paths.recent(Date.parse(kept.createdAt), kept.runId), '', { contentType: 'text/plain' });
      return kept;
    },
    manifest: (runId) => readJson(container, paths.manifest(runId)),
    async recentRuns(top) {
      const names = await ifFound(async () => {
        for await (const page of container.listBlobsFlat({ prefix: paths.recentPrefix }).byPage({ maxPageSize: top })) {
          return page.segment.blobItems.map((blob) => blob.name);
        }
        return [];
      });
      return names?.map(runIdOfRecent) ?? [];
    },
    async writeMapping(runId, mapping) {
      await putOnce(container, paths.mapping(runId), JSON.stringify(mapping), json);
    },
    readMapping: (runId) => readJson(container, paths.mapping(runId)),
    async writeIndex(runId, bytes, sha256) {
      const text = { contentType: 'application/octet-stream', metadata: { sha256 } };
      await putOnce(container, paths.index(runId), bytes, text);
    },
    async readIndex(runId) {
      const bytes = await read(container, paths.index(runId));
      if (bytes === undefined) return undefined;
      const { metadata } = await container.getBlobClient(paths.index(runId)).getProperties();
      return { bytes, sha256: metadata?.['sha256'] ?? '' };
    },
    writeRepeatedKeys: (runId, bytes) =>
      put(container, paths.repeated(runId), bytes, { contentType: 'application/octet-stream' }),
    readRepeatedKeys: (runId) => read(container, paths.repeated(runId)),
    writeSpool: (runId, spool, rows, rowMap) => writeSpool(container, runId, { spool, rows, rowMap }),
    readSpool: (runId) => readSpool(container, runId),
    async addChild(runId, childId) {
      await putOnce(container, paths.child(runId, childId), '', { contentType: 'text/plain' });
    },
    async children(runId) {
      const prefix = paths.children(runId);
      const ids: string[] = [];
      for await (const { name } of container.listBlobsFlat({ prefix })) ids.push(name.slice(prefix.length));
      return ids;
    },
    commitPart: (runId, part) => commitPart(container, runId, part),
    findPart: (runId, firstRow) => findPart(container, runId, firstRow),
    listParts: (runId) => listParts(container, runId),
    async markIntent(runId, firstRow, dueAt) {
      const { first } = await putOnce(container, paths.intent(runId, firstRow, dueAt), '', {
        contentType: 'text/plain',
      });
      return first;
    },
    async markContested(runId, sliceFirstRow, dueAt) {
      await putOnce(container, paths.contested(runId, sliceFirstRow, dueAt), '', { contentType: 'text/plain' });
    },
    isContested: (runId, sliceFirstRow, dueAt) =>
      container.getBlobClient(paths.contested(runId, sliceFirstRow, dueAt)).exists(),
    async markUntouched(runId, firstRow) {
      await putOnce(container, paths.untouched(runId, firstRow), '', { contentType: 'text/plain' });
    },
    async claimUntouched(runId, firstRow) {
      return (await container.getBlobClient(paths.untouched(runId, firstRow)).deleteIfExists()).succeeded;
    },
    async readIntents(runId) {
      return {
        begun: await rowsOf(paths.intents(runId)),
        contested: await rowsOf(paths.contests(runId)),
        untouched: await rowsOf(paths.untoucheds(runId)),
      };
    },
    writeLive: (runId, hostInstance, tally) =>
      put(container, paths.liveOf(runId, hostInstance), '', {
        contentType: 'text/plain',
        metadata: { tally: JSON.stringify(tally) },
      }),
    async readLive(runId) {
      const tallies: LiveTally[] = [];
      for await (const blob of container.listBlobsFlat({ prefix: paths.live(runId), includeMetadata: true })) {
        tallies.push(JSON.parse(blob.metadata?.['tally'] ?? '{}') as LiveTally);
      }
      return tallies;
    },
    readSync: (sync) => readJson(container, paths.sync(sync)),
    async writeSync(sync, record) {
      await container.createIfNotExists();
      await put(container, paths.sync(sync), JSON.stringify(record), json);
    },
    cancel: (runId) => put(container, paths.cancel(runId), '', { contentType: 'text/plain' }),
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
      return !(await putOnce(container, paths.pause(runId), '', { contentType: 'text/plain' })).first;
    },
    readPart: (runId, firstRow) => readPart(container, runId, firstRow),
    writeFailures: (runId, parts, sheet) => writeFailures(container, runId, parts, sheet),
    async readFailures(runId, format) {
      const download = await ifFound(async () => container.getBlobClient(paths.failures(runId, format)).download());
      return download?.readableStreamBody;
    },
    async writePlan(runId, plan) {
      await putOnce(container, paths.plan(runId), JSON.stringify(plan), json);
    },
    readPlan: (runId) => readJson(container, paths.plan(runId)),
    async writeReport(report) {
      const name = paths.report(report.runId);
      const { first } = await putOnce(container, name, JSON.stringify(report, null, 2), json);
      const kept = first ? report : await readJson<Report>(container, name);
      if (kept === undefined) throw new Error(`The report of run ${report.runId} exists and cannot be read.`);
      return kept;
    },
    readReport: (runId) => readJson(container, paths.report(runId)),
    writeCost: (key, cost) => put(container, paths.cost(key), JSON.stringify(cost), json),
    readCost: (key) => readJson(container, paths.cost(key)),
  };
}
