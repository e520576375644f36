import type { OrchestrationContext, Task } from 'durable-functions';
import { names } from '../names.ts';
import type { Grant } from '../plan/governor.ts';
import type { LaneReport } from '../plan/lane.ts';
import type { BulkRunInput, SendRowsInput } from '../plan/payloads.ts';
import { statusOf } from '../plan/progress.ts';
import { absorb, planWave, rowLimitOf, type LaneResult, type RunState } from '../plan/run-state.ts';
import { toleratedLeft } from '../plan/tolerance.ts';
import type { LaneWork } from '../plan/waves.ts';
import { laneRoutes } from '../plan/widths.ts';
import { reasonOf, type Steps } from './steps.ts';

/** One fan-out and fan-in: every lane stops at the end of the box, so nobody waits for a straggler longer than one request. */
export function* sendWave(
  context: OrchestrationContext,
  input: BulkRunInput,
  run: RunState,
  grant: Grant,
): Steps<RunState> {
  const { runId, spec } = input;
  const startedMs = context.df.currentUtcDateTime.getTime();
  const deal = planWave(run, grant, startedMs);
  const boxEndsAt = new Date(startedMs + grant.boxSeconds * 1_000).toISOString();
  context.df.setCustomStatus(
    statusOf('running', run, { lanes: deal.lanes.length, waveStartedAt: new Date(startedMs).toISOString() }),
  );
  const rowLimit = rowLimitOf(run);
  const routes = routesOf(grant, new Date(startedMs).toISOString());
  const mostRejected = toleratedLeft(run.counts, spec.options.tolerate);
  const tasks = deal.lanes.map((stretches, lane) =>
    context.df.callActivity(names.sendRows, {
      runId,
      wave: run.wave,
      stretches,
      boxEndsAt,
      rowsPerRequest: grant.rowsPerRequest,
      duty: grant.duty,
      ...routes[lane],
      dopHint: run.dopHint,
      ...(rowLimit === undefined ? {} : { rowLimit }),
      ...(mostRejected === undefined ? {} : { mostRejected }),
    } satisfies SendRowsInput),
  );
  const results = yield* gather(context, tasks, deal.lanes);
  return absorb(run, spec, deal, results, { startedMs, endedMs: context.df.currentUtcDateTime.getTime() });
}

/** Duty and server of each lane, where lanes choose theirs. */
function routesOf(grant: Grant, boxStartsAt: string): readonly Pick<SendRowsInput, 'duty' | 'route'>[] {
  const { routes, independent = false } = grant;
  if (routes === undefined) return [];
  return laneRoutes(routes).map(({ duty, ...route }) => ({ duty, route: { ...route, independent, boxStartsAt } }));
}

/** Waits for all lanes; a lane whose activity failed loses its report, not its neighbours'. */
function* gather(
  context: OrchestrationContext,
  tasks: Task[],
  lanes: readonly LaneWork[],
): Steps<readonly LaneResult[]> {
  let detail = 'A lane ended without a report.';
  try {
    yield context.df.Task.all(tasks);
  } catch (error) {
    detail = reasonOf(error);
  }
  return tasks.map((task, lane) =>
    task.isCompleted && !task.isFaulted ? (task.result as LaneReport) : { lost: lanes[lane] ?? [], detail },
  );
}
