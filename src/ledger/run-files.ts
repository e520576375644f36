import type { ContainerClient } from '@azure/storage-blob';
import type { Lineage } from '../plan/lineage.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import type { SourcePin } from '../source/source.ts';
import { bytes as octets, ifFound, json, nothing, put, putOnce, read, readJson } from './blobs.ts';
import { paths, runIdOfRecent } from './paths.ts';
import { readSpool, writeSpool, type Spool, type SpoolHead } from './spool.ts';

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

/** What a run works from: written before a row is sent, and kept. */
export interface RunFiles {
  /** Fixes the run's manifest; the first one wins and is returned. */
  readonly accept: (manifest: Manifest) => Promise<Manifest>;
  readonly manifest: (runId: string) => Promise<Manifest | undefined>;
  /** Run ids, newest first. */
  readonly recentRuns: (top: number) => Promise<readonly string[]>;
  /** Notes that a run takes up rows of this one. */
  readonly addChild: (runId: string, childId: string) => Promise<void>;
  readonly children: (runId: string) => Promise<readonly string[]>;
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
}

type Acceptances = Pick<RunFiles, 'accept' | 'manifest' | 'recentRuns' | 'addChild' | 'children'>;

export const createRunFiles = (container: ContainerClient): RunFiles => ({
  ...createAcceptances(container),
  ...createPlans(container),
});

function createAcceptances(container: ContainerClient): Acceptances {
  return {
    async accept(manifest) {
      await container.createIfNotExists();
      const { first } = await putOnce(container, paths.manifest(manifest.runId), JSON.stringify(manifest), json);
      const kept = first ? manifest : await readJson<Manifest>(container, paths.manifest(manifest.runId));
      if (kept === undefined) throw new Error(`The manifest of run ${manifest.runId} exists and cannot be read.`);
      await putOnce(container, paths.recent(Date.parse(kept.createdAt), kept.runId), '', nothing);
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
    async addChild(runId, childId) {
      await putOnce(container, paths.child(runId, childId), '', nothing);
    },
    async children(runId) {
      const prefix = paths.children(runId);
      const ids: string[] = [];
      for await (const { name } of container.listBlobsFlat({ prefix })) ids.push(name.slice(prefix.length));
      return ids;
    },
  };
}

function createPlans(container: ContainerClient): Omit<RunFiles, keyof Acceptances> {
  return {
    async writeMapping(runId, mapping) {
      await putOnce(container, paths.mapping(runId), JSON.stringify(mapping), json);
    },
    readMapping: (runId) => readJson(container, paths.mapping(runId)),
    async writeIndex(runId, bytes, sha256) {
      await putOnce(container, paths.index(runId), bytes, { ...octets, metadata: { sha256 } });
    },
    async readIndex(runId) {
      const bytes = await read(container, paths.index(runId));
      if (bytes === undefined) return undefined;
      const { metadata } = await container.getBlobClient(paths.index(runId)).getProperties();
      return { bytes, sha256: metadata?.['sha256'] ?? '' };
    },
    writeRepeatedKeys: (runId, bytes) => put(container, paths.repeated(runId), bytes, octets),
    readRepeatedKeys: (runId) => read(container, paths.repeated(runId)),
    writeSpool: (runId, spool, rows, rowMap) => writeSpool(container, runId, { spool, rows, rowMap }),
    readSpool: (runId) => readSpool(container, runId),
  };
}
