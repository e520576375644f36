import type { OrchestrationContext, Task } from 'durable-functions';
import { names } from '../names.ts';
import type { Fault } from '../plan/fault.ts';
import type {
  BulkRunInput,
  BulkRunOutput,
  CloseRunInput,
  CloseRunOutput,
  IndexSourceInput,
  IndexSourceOutput,
  OpenRunInput,
  OpenRunOutput,
  ReadBooksInput,
  ReadBooksOutput,
  SettleRunInput,
  SettleRunOutput,
  SpoolRowsInput,
  SpoolRowsOutput,
} from '../plan/payloads.ts';
import { planBounds } from '../plan/plan-job.ts';
import { statusOf, troubled, type RunStatus } from '../plan/progress.ts';
import { endingAfter, hasDoubts, withinLimits } from '../plan/run-ending.ts';
import { mostIdleMinutes } from '../plan/run-limits.ts';
import {
  beginRun,
  brokenOff,
  cancelled,
  cancelledOnRequest,
  costLearned,
  generationIsFull,
  granted,
  hasWork,
  nextGeneration,
  looks,
  needsQuiet,
  resumeRun,
  type RunEnding,
  type RunState,
} from '../plan/run-state.ts';
import { CancelWatch } from './cancel-watch.ts';
import { Flights } from './flights.ts';
import { leaseLanes, releaseLanes } from './lease-lanes.ts';
import { pause } from './pause.ts';
import { persist, reasonOf, timerIn, type Steps } from './steps.ts';
import { land, sendWave } from './wave.ts';

/**
 * One run: open, index, send in waves until nothing is pending, close. Replayed, so it only carries results from one step to the next;
 * every decision is in `plan`.
 */
export function* bulkRun(context: OrchestrationContext): Generator<Task, BulkRunOutput | undefined, unknown> {
  const input = context.df.getInput<BulkRunInput | undefined>();
  if (input === undefined) throw new TypeError('bulkRun was started without an input.');
  const cancel = new CancelWatch(context);
  const begun = input.run === undefined ? yield* open(context, cancel, input) : { run: input.run };
  if ('faults' in begun) return yield* close(context, input, undefined, failed(begun.faults), begun.faults);
  if ('ending' in begun) return yield* close(context, input, undefined, begun.ending, []);

  let { run } = begun;
  const flights = new Flights();
  while (hasWork(run)) {
    if (cancel.isHeard) {
      run = cancelled(run);
      break;
    }
    run = withinLimits(run, input.spec, context.df.currentUtcDateTime.getTime());
    if (!hasWork(run)) break;
    if (generationIsFull(run) && run.carried.length === 0) {
      context.df.continueAsNew({ ...input, run: nextGeneration(run) });
      return undefined;
    }
    try {
      run = yield* nextStep(context, cancel, { input, flights }, run);
    } catch (error) {
      run = brokenOff(run, reasonOf(error));
    }
  }
  // What is still under way may leave parts behind: the books are closed when all lanes are back.
  run = yield* land(context, input, run, flights);
  releaseLanes(context, input);
  const lostRows = hasDoubts(run) ? yield* settle(context, input, run) : 0;
  return yield* close(context, input, run, endingAfter(run, lostRows), []);
}

/** A wave, or a wait: because this run holds back, or because the governor has no lanes for it now. */
function* nextStep(
  context: OrchestrationContext,
  cancel: CancelWatch,
  { input, flights }: { readonly input: BulkRunInput; readonly flights: Flights },
  run: RunState,
): Steps<RunState> {
  if (run.carried.length > 0 && needsQuiet(run)) return yield* land(context, input, run, flights);
  if (run.holdSeconds > 0) {
    releaseLanes(context, input);
    return yield* pause(context, cancel, input, run, { seconds: run.holdSeconds, ordered: false });
  }
  const grant = yield* leaseLanes(context, input, run);
  const next = granted(run, grant, context.df.currentUtcDateTime.toISOString());
  if (grant.lanes === 0 && run.carried.length === 0) {
    const wait = { seconds: grant.waitSeconds, ordered: grant.ordered === true };
    return yield* pause(context, cancel, input, next, wait);
  }
  return yield* sendWave(context, input, next, { grant, flights });
}

function* open(
  context: OrchestrationContext,
  cancel: CancelWatch,
  input: BulkRunInput,
): Steps<{ readonly run: RunState } | { readonly faults: readonly Fault[] } | { readonly ending: RunEnding }> {
  const startedAt = context.df.currentUtcDateTime.toISOString();
  const { runId, spec, bounds } = input;
  try {
    context.df.setCustomStatus({ stage: 'opening', progress: null } satisfies RunStatus);
    if (input.spool === true) {
      const spooled = yield* persist<SpoolRowsOutput>(context, {
        activity: names.spoolRows,
        stage: 'opening',
        input: { runId } satisfies SpoolRowsInput,
      });
      if ('faults' in spooled) return spooled;
    }
    const opened = yield* openTarget(context, cancel, { runId, spec });
    if ('faults' in opened || 'ending' in opened) return opened;
    const resumed = input.resume === true ? yield* readBooks(context, runId) : null;
    if (resumed !== null) return { run: resumeRun(resumed, opened.dopHint, startedAt) };
    context.df.setCustomStatus({ stage: 'indexing', progress: null } satisfies RunStatus);
    const lanes = Math.min(opened.dopHint ?? bounds.maxLanes, bounds.maxLanes);
    const known = { hint: opened.dopHint ?? null, ceiling: input.ceiling };
    const indexing = { runId, spec, lanes, bounds: planBounds(bounds, spec, known) } satisfies IndexSourceInput;
    const indexed = yield* persist<IndexSourceOutput>(context, {
      activity: names.indexSource,
      stage: 'indexing',
      input: indexing,
    });
    return 'faults' in indexed ? indexed : { run: beginRun(indexed, opened.dopHint, startedAt) };
  } catch (error) {
    return { faults: [{ pointer: '', detail: reasonOf(error) }] };
  }
}

/** Waits as long as the environment says, or until the run is cancelled. */
function* openTarget(
  context: OrchestrationContext,
  cancel: CancelWatch,
  input: OpenRunInput,
): Steps<Exclude<OpenRunOutput, { readonly waitSeconds: number }> | { readonly ending: RunEnding }> {
  for (let waitedSeconds = 0; ;) {
    const opened = yield* persist<OpenRunOutput>(context, { activity: names.openRun, stage: 'opening', input });
    if (!('waitSeconds' in opened)) return opened;
    const seconds = Math.min(opened.waitSeconds, mostIdleMinutes * 60 - waitedSeconds);
    if (seconds <= 0)
      throw new Error(`The environment asked to wait for ${mostIdleMinutes} minutes before it told of its tables.`);
    context.df.setCustomStatus(troubled('opening', `The environment asked to wait ${opened.waitSeconds} s.`));
    if (yield* cancel.isHeardWithin(seconds * 1_000)) return { ending: cancelledOnRequest };
    waitedSeconds += seconds;
  }
}

function* readBooks(context: OrchestrationContext, runId: string): Steps<ReadBooksOutput> {
  const input = { runId } satisfies ReadBooksInput;
  return yield* persist<ReadBooksOutput>(context, { activity: names.readBooks, stage: 'opening', input });
}

/**
 * A run that ends early, or gives slices up, may leave rows behind that were sent by a life nobody heard of again. What a first look cannot
 * decide is looked at once more when nothing can come any longer. Answers how many rows cannot be looked at.
 */
function* settle(context: OrchestrationContext, { runId, bounds }: BulkRunInput, run: RunState): Steps<number> {
  let lost = 0;
  for (const { look, waitSeconds } of looks(bounds.settleSeconds)) {
    if (waitSeconds > 0) yield timerIn(context, waitSeconds * 1_000);
    const input = { runId, look } satisfies SettleRunInput;
    const { undecidedRows, lostRows } = yield* persist<SettleRunOutput>(context, {
      activity: names.settleRun,
      stage: 'closing',
      input,
    });
    lost = lostRows;
    if (undecidedRows === 0) break;
    const note = `${undecidedRows} rows were lost sight of; they are looked up once nothing can change them any more.`;
    context.df.setCustomStatus(statusOf('closing', { ...run, note }, { lanes: 0 }));
  }
  return lost;
}

function* close(
  context: OrchestrationContext,
  { runId, spec }: BulkRunInput,
  run: RunState | undefined,
  ending: RunEnding,
  faults: readonly Fault[],
): Steps<CloseRunOutput> {
  context.df.setCustomStatus(run === undefined ? { stage: 'closing', progress: null } : statusOf('closing', run));
  const closing = {
    runId,
    spec,
    ending,
    faults,
    startedAt: run?.startedAt ?? context.df.currentUtcDateTime.toISOString(),
    requests: run?.requests ?? 0,
    throttled: run?.throttled ?? 0,
    decisions: run?.decisions ?? [],
    ...(run === undefined || run.sent === null ? {} : { sent: run.sent }),
    ...(run === undefined ? {} : costLearned(run)),
  } satisfies CloseRunInput;
  return yield* persist<CloseRunOutput>(context, { activity: names.closeRun, stage: 'closing', input: closing });
}

const failed = (faults: readonly Fault[]): RunEnding => ({
  state: 'failed',
  reason: faults.length === 1 ? (faults[0]?.detail ?? '') : `${faults.length} faults were found before a row was sent.`,
});
