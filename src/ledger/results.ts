import type { ContainerClient } from '@azure/storage-blob';
import type { LiveTally } from '../plan/progress.ts';
import type { FailureGroup, Report } from '../plan/report.ts';
import { ifFound, json, nothing, put, putOnce, readJson } from './blobs.ts';
import { writeFailures, type FailureSheet } from './failures.ts';
import type { PartEntry } from './parts.ts';
import { paths, type FailuresFormat } from './paths.ts';

/** What a run tells: while it goes on, and when its books are closed. */
export interface Results {
  readonly writeLive: (runId: string, hostInstance: string, tally: LiveTally) => Promise<void>;
  readonly readLive: (runId: string) => Promise<readonly LiveTally[]>;
  readonly writeFailures: (
    runId: string,
    parts: readonly PartEntry[],
    sheet: FailureSheet,
  ) => Promise<readonly FailureGroup[]>;
  readonly readFailures: (runId: string, format: FailuresFormat) => Promise<NodeJS.ReadableStream | undefined>;
  /** Closes the books for good: the first report stays and is returned. */
  readonly writeReport: (report: Report) => Promise<Report>;
  readonly readReport: (runId: string) => Promise<Report | undefined>;
}

export function createResults(container: ContainerClient): Results {
  return {
    writeLive: (runId, hostInstance, tally) =>
      put(container, paths.liveOf(runId, hostInstance), '', { ...nothing, metadata: { tally: JSON.stringify(tally) } }),
    async readLive(runId) {
      const tallies: LiveTally[] = [];
      for await (const blob of container.listBlobsFlat({ prefix: paths.live(runId), includeMetadata: true })) {
        tallies.push(JSON.parse(blob.metadata?.['tally'] ?? '{}') as LiveTally);
      }
      return tallies;
    },
    writeFailures: (runId, parts, sheet) => writeFailures(container, runId, parts, sheet),
    async readFailures(runId, format) {
      const download = await ifFound(async () => container.getBlobClient(paths.failures(runId, format)).download());
      return download?.readableStreamBody;
    },
    async writeReport(report) {
      const name = paths.report(report.runId);
      const { first } = await putOnce(container, name, JSON.stringify(report, null, 2), json);
      const kept = first ? report : await readJson<Report>(container, name);
      if (kept === undefined) throw new Error(`The report of run ${report.runId} exists and cannot be read.`);
      return kept;
    },
    readReport: (runId) => readJson(container, paths.report(runId)),
  };
}
