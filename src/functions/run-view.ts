import { OrchestrationRuntimeStatus, type DurableClient, type DurableOrchestrationStatus } from 'durable-functions';
import type { Manifest } from '../ledger/run-files.ts';
import type { Fault } from '../plan/fault.ts';
import type { Interval } from '../plan/estimate.ts';
import { secondsLeft } from '../plan/forecast.ts';
import type { Lineage } from '../plan/lineage.ts';
import type { JobPlan } from '../plan/plan-job.ts';
import { held, withLive, type LiveTally, type RunProgress, type RunStatus } from '../plan/progress.ts';
import type { Report } from '../plan/report.ts';
import { brokenStates, statusOf } from './accept-run.ts';
import type { RunsDeps } from './runs-deps.ts';

/** What the API tells of a run; see docs/http-api.md. */
export interface RunView {
  readonly runId: string;
  readonly state: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly connection: string;
  readonly table: string;
  readonly operation: string;
  readonly source: { readonly container: string; readonly blob: string };
  /** What was planned when the source had been indexed; null before. */
  readonly plan: JobPlan | null;
  readonly progress: ViewedProgress | null;
  readonly faults: readonly Fault[];
  /** What holds the run up, or why it ended early; null while all is well. */
  readonly note: string | null;
  /** The run whose rows these are, for a redrive or an undo; null for a run of its own. */
  readonly lineage: { readonly kind: Lineage['kind']; readonly of: string; readonly root: string } | null;
  /** Redrives and undos of this run. */
  readonly children: readonly string[];
  readonly links: RunLinks;
}

/** Progress, and when it may end. */
export interface ViewedProgress extends RunProgress {
  /** Until the rows are done; null where nobody can tell, and once nothing is sent any more. */
  readonly secondsLeft: Interval | null;
}

export interface RunLinks {
  readonly self: string;
  readonly cancel: string;
  readonly pause: string;
  readonly unpause: string;
  readonly resume: string;
  readonly redrive: string;
  readonly undo: string;
  readonly report: string;
  readonly failures: string;
}

export function linksOf(requestUrl: string, runId: string): RunLinks {
  // The prefix of the routes is the host's; whatever stands before `/runs` is kept.
  const base = new URL(requestUrl).pathname.replace(/\/runs(?:\/.*)?$/, '');
  const self = `${base}/runs/${runId}`;
  const of = (what: string): string => `${self}/${what}`;
  return {
    self,
    cancel: of('cancel'),
    pause: of('pause'),
    unpause: of('unpause'),
    resume: of('resume'),
    redrive: of('redrive'),
    undo: of('undo'),
    report: of('report'),
    failures: of('failures'),
  };
}

/** Undefined when no such run was ever accepted. */
export async function viewRun(
  { ledger }: RunsDeps,
  client: DurableClient,
  runId: string,
  requestUrl: string,
): Promise<RunView | undefined> {
  const manifest = await ledger.manifest(runId);
  if (manifest === undefined) return undefined;
  const closed = ledger.readReport(runId);
  const [report, status, tallies, children, plan] = await Promise.all([
    closed,
    statusOf(client, runId),
    ledger.readLive(runId),
    ledger.children(runId),
    // A report has it.
    closed.then(async (report) => (report === undefined ? ledger.readPlan(runId) : report.plan?.planned)),
  ]);
  return compose({ manifest, report, status, tallies, children, plan }, linksOf(requestUrl, runId));
}

interface Known {
  readonly manifest: Manifest;
  readonly report: Report | undefined;
  readonly status: DurableOrchestrationStatus | undefined;
  readonly tallies: readonly LiveTally[];
  readonly children: readonly string[];
  readonly plan: JobPlan | undefined;
}

function compose({ manifest, report, status, tallies, children, plan }: Known, links: RunLinks): RunView {
  const { runId, spec, createdAt, lineage } = manifest;
  const custom = (status?.customStatus ?? undefined) as RunStatus | undefined;
  const broken = status !== undefined && brokenStates.has(status.runtimeStatus);
  const paused = status?.runtimeStatus === OrchestrationRuntimeStatus.Suspended;
  const progress = custom?.progress ?? null;
  const progressNow = (told: RunProgress): ViewedProgress => {
    if (report !== undefined) return { ...settled(told, report), secondsLeft: null };
    const nowMs = Date.now();
    const live = withLive(told, tallies, { waveStartedAt: custom?.waveStartedAt, nowMs });
    if (paused) return { ...held(live), secondsLeft: null };
    // While the books are closed nothing is sent any more, be there rows left or not.
    const isSending = !broken && custom?.stage !== 'closing';
    const course = { plan, told, live, sent: custom?.sent ?? null };
    return { ...live, secondsLeft: isSending ? secondsLeft(course, nowMs) : null };
  };
  return {
    runId,
    state: report?.state ?? (broken ? 'failed' : paused ? 'paused' : (custom?.stage ?? 'queued')),
    createdAt,
    updatedAt: report?.endedAt ?? status?.lastUpdatedTime.toISOString() ?? createdAt,
    connection: spec.connection,
    table: spec.target.table,
    operation: spec.target.operation,
    source: { container: spec.source.container, blob: spec.source.blob },
    plan: plan ?? null,
    progress: progress === null ? null : progressNow(progress),
    faults:
      report?.faults ??
      (broken
        ? [
            {
              pointer: '',
              detail: `The orchestration ended as ${status.runtimeStatus}; resume lets the run go on from its ledger. Why it ended is in the task hub.`,
            },
          ]
        : []),
    note: report?.reason ?? (report === undefined ? (custom?.note ?? null) : null),
    lineage: lineage === undefined ? null : { kind: lineage.kind, of: lineage.of, root: lineage.root },
    children,
    links,
  };
}

function settled(progress: RunProgress, { counts, proof, rowsPerSecond }: Report): RunProgress {
  return {
    ...progress,
    counts,
    rowsDone: proof?.rowsCovered ?? progress.rowsDone,
    rowsPerSecond,
    lanes: 0,
    waitingUntil: null,
  };
}
