import type { ContainerClient } from '@azure/storage-blob';
import type { OutcomeCounts } from '../plan/outcome.ts';
import type { FailureGroup, PartTally, Report } from '../plan/report.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import type { SourcePin } from '../source/source.ts';
import { ifFound, put, putOnce, read, readJson } from './blobs.ts';
import { writeFailures } from './failures.ts';
import { commitPart, findPart, listParts, type CommitResult, type Part, type PartEntry } from './parts.ts';
import { paths, runIdOfRecent } from './paths.ts';

/** What a run is, fixed when it is accepted. */
export interface Manifest {
  readonly runId: string;
  readonly spec: RunSpec;
  /** The version of the source that counts; a changed file ends the run. */
  readonly pin: SourcePin;
  readonly createdAt: string;
}

/** What one host instance has done in one wave so far. */
export interface LiveTally {
  readonly wave: number;
  /** Rows of committed parts. */
  readonly rows: number;
  readonly counts: OutcomeCounts;
  readonly requests: number;
  readonly throttled: number;
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
  readonly commitPart: (runId: string, part: Part) => Promise<CommitResult>;
  readonly findPart: (runId: string, firstRow: number) => Promise<PartTally | undefined>;
  readonly listParts: (runId: string) => AsyncIterable<PartEntry>;
  /** Marks that rows of a slice are about to be sent; false when a mark was there already. */
  readonly markIntent: (runId: string, firstRow: number) => Promise<boolean>;
  readonly writeLive: (runId: string, hostInstance: string, tally: LiveTally) => Promise<void>;
  readonly readLive: (runId: string) => Promise<readonly LiveTally[]>;
  readonly readSync: (sync: string) => Promise<SyncRecord | undefined>;
  readonly writeSync: (sync: string, record: SyncRecord) => Promise<void>;
  /** Asks every lane of a run to stop before its next request. */
  readonly cancel: (runId: string) => Promise<void>;
  readonly isCancelled: (runId: string) => Promise<boolean>;
  readonly writeFailures: (runId: string, parts: readonly PartEntry[]) => Promise<readonly FailureGroup[]>;
  readonly readFailures: (runId: string) => Promise<NodeJS.ReadableStream | undefined>;
  readonly writeReport: (report: Report) => Promise<void>;
  readonly readReport: (runId: string) => Promise<Report | undefined>;
}

const json = { contentType: 'application/json' } as const;

export function createLedger(container: ContainerClient): Ledger {
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
    commitPart: (runId, part) => commitPart(container, runId, part),
    findPart: (runId, firstRow) => findPart(container, runId, firstRow),
    listParts: (runId) => listParts(container, runId),
    async markIntent(runId, firstRow) {
      const { first } = await putOnce(container, paths.intent(runId, firstRow), '', { contentType: 'text/plain' });
      return first;
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
    isCancelled: (runId) => container.getBlobClient(paths.cancel(runId)).exists(),
    writeFailures: (runId, parts) => writeFailures(container, runId, parts),
    async readFailures(runId) {
      const download = await ifFound(async () => container.getBlobClient(paths.failures(runId)).download());
      return download?.readableStreamBody;
    },
    writeReport: (report) => put(container, paths.report(report.runId), JSON.stringify(report, null, 2), json),
    readReport: (runId) => readJson(container, paths.report(runId)),
  };
}
