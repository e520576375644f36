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
} from '../plan/payloads.ts';
import { statusOf, type RunStatus } from '../plan/progress.ts';
import {
  beginRun,
  brokenOff,
  generationIsFull,
  granted,
  hasWork,
  nextGeneration,
  type RunEnding,
  type RunState,
} from '../plan/run-state.ts';
import { leaseLanes, releaseLanes } from './lease-lanes.ts';
import { pause } from './pause.ts';
import { persist, reasonOf, type Steps } from './steps.ts';
import { sendWave } from './wave.ts';

/**
 * One run: open, index, send in waves until nothing is pending, close. Replayed, so it only carries results from one step to the next;
 * every decision is in `plan`.
 */
export function* bulkRun(context: OrchestrationContext): Generator<Task, BulkRunOutput | undefined, unknown> {
  const input = context.df.getInput<BulkRunInput | undefined>();
  if (input === undefined) throw new TypeError('bulkRun was started without an input.');
  const begun = input.run === undefined ? yield* open(context, input) : { run: input.run };
  if ('faults' in begun) return yield* close(context, input, undefined, failed(begun.faults), begun.faults);

  let { run } = begun;
  while (hasWork(run)) {
    if (generationIsFull(run)) {
      context.df.continueAsNew({ ...input, run: nextGeneration(run) });
      return undefined;
    }
    try {
      run = yield* nextStep(context, input, run);
    } catch (error) {
      run = brokenOff(run, reasonOf(error));
    }
  }
  releaseLanes(context, input);
  return yield* close(context, input, run, run.ending ?? { state: 'completed' }, []);
}

/** A wave, or a wait: because this run holds back, or because the governor has no lanes for it now. */
function* nextStep(context: OrchestrationContext, input: BulkRunInput, run: RunState): Steps<RunState> {
  if (run.holdSeconds > 0) {
    releaseLanes(context, input);
    return yield* pause(context, run, run.holdSeconds);
  }
  const grant = yield* leaseLanes(context, input, run);
  const next = granted(run, grant, context.df.currentUtcDateTime.toISOString());
  if (grant.lanes === 0) return yield* pause(context, next, grant.waitSeconds);
  return yield* sendWave(context, input, next, grant);
}

function* open(
  context: OrchestrationContext,
  input: BulkRunInput,
): Steps<{ readonly run: RunState } | { readonly faults: readonly Fault[] }> {
  const startedAt = context.df.currentUtcDateTime.toISOString();
  const { runId, spec, bounds } = input;
  try {
    context.df.setCustomStatus({ stage: 'opening', progress: null } satisfies RunStatus);
    const opened = yield* persist<OpenRunOutput>(context, {
      activity: names.openRun,
      stage: 'opening',
      input: { runId, spec } satisfies OpenRunInput,
    });
    if ('faults' in opened) return opened;
    context.df.setCustomStatus({ stage: 'indexing', progress: null } satisfies RunStatus);
    const lanes = Math.min(opened.dopHint ?? bounds.maxLanes, bounds.maxLanes);
    const indexing = { runId, spec, lanes } satisfies IndexSourceInput;
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
    rowCount: run?.source.rowCount ?? null,
    requests: run?.requests ?? 0,
    throttled: run?.throttled ?? 0,
    decisions: run?.decisions ?? [],
  } satisfies CloseRunInput;
  return yield* persist<CloseRunOutput>(context, { activity: names.closeRun, stage: 'closing', input: closing });
}

const failed = (faults: readonly Fault[]): RunEnding => ({
  state: 'failed',
  reason: faults.length === 1 ? (faults[0]?.detail ?? '') : `${faults.length} faults were found before a row was sent.`,
});
