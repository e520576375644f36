import type { ContainerClient } from '@azure/storage-blob';
import type { JobPlan } from '../plan/plan-job.ts';
import type { LiveTally } from '../plan/progress.ts';
import type { FailureGroup, Report } from '../plan/report.ts';
import { ifFound, json, nothing, put, putOnce, readJson } from './blobs.ts';
import { writeFailures, type FailureSheet } from './failures.ts';
import type { PartEntry } from './parts.ts';
import { paths, type FailuresFormat } from './paths.ts';

/** What a run tells: what it is planned to be, while it goes on, and when its books are closed. */
export interface Results {
  readonly writeLive: (runId: string, hostInstance: string, tally: LiveTally) => Promise<void>;
  readonly readLive: (runId: string) => Promise<readonly LiveTally[]>;
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
  };
}
