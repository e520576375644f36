import type { OrchestrationContext, Task, TimerTask } from 'durable-functions';
import { names } from '../names.ts';
import { absorb } from '../plan/absorb.ts';
import type { Grant } from '../plan/governor.ts';
import type { BulkRunInput, SendRowsInput } from '../plan/payloads.ts';
import { statusOf } from '../plan/progress.ts';
import { rowLimitOf, type RunState } from '../plan/run-state.ts';
import { toleratedLeft } from '../plan/tolerance.ts';
import {
  follow,
  graceOf,
  isOverEarly,
  nextLookMs,
  noWave,
  planWave,
  verdictOf,
  type LaneResult,
  type Wave,
  type WaveTimes,
} from '../plan/wave.ts';
import type { Flights } from './flights.ts';
import type { Steps } from './steps.ts';

/** What one wave is made of, for those who start its lanes and wait for them. */
interface Sending {
  readonly context: OrchestrationContext;
  readonly input: BulkRunInput;
  readonly run: RunState;
  readonly grant: Grant;
  readonly flights: Flights;
  readonly startedMs: number;
}

/**
 * One fan-out and fan-in. Every lane stops at the end of the box; who is not back soon after is not waited for: the next wave goes with the others,
 * and hears of it when it is back.
 */
export function* sendWave(
  context: OrchestrationContext,
  input: BulkRunInput,
  run: RunState,
  { grant, flights }: { readonly grant: Grant; readonly flights: Flights },
): Steps<RunState> {
  const startedMs = nowOf(context);
  const sending = { context, input, run, grant, flights, startedMs };
  const begun = planWave(run, grant, startedMs);
  if (begun.lanes.length === 0) return yield* land(context, input, { ...run, feedback: null }, flights);
  const waveStartedAt = isoOf(startedMs);
  const lanes = begun.lanes.length + run.carried.length;
  context.df.setCustomStatus(statusOf('running', run, { lanes, waveStartedAt }));
  const wave = yield* flyBox(sending, begun);
  const { over, results } = yield* gather(sending, wave);
  flights.tidy();
  return absorb(run, input.spec, over, results, { startedMs, endedMs: nowOf(context) });
}

/** Sends the lanes off and waits until they are back or their box and its grace are over. */
function* flyBox(sending: Sending, begun: Wave): Steps<Wave> {
  const { context, run, grant, startedMs, flights } = sending;
  const { Task } = context.df;
  const all = Task.all(setOff(sending, begun, 0));
  const endMs = startedMs + begun.boxSeconds * 1_000 + graceOf(run.fit, grant.rowsPerRequest);
  const end = timerAt(context, endMs);
  const over = Task.any([all, end]);
  let wave = begun;
  // Not yielded yet, and so not scheduled.
  let fresh: Task | undefined = over;
  for (let afterMs = nextLookMs(run, wave, 0); afterMs !== undefined; afterMs = nextLookMs(run, wave, afterMs)) {
    yield* awaitAny(context, fresh, timerAt(context, startedMs + afterMs));
    fresh = undefined;
    wave = { ...wave, looks: wave.looks + 1 };
    if (over.isCompleted) break;
    const before = wave.lanes.length;
    wave = follow(run, wave, newlyBack(run, wave, flights), nowOf(context));
    const more = setOff(sending, wave, before);
    if (more.length > 0) fresh = Task.all(more);
    else if (isOverEarly(run, wave, resultsOf(sending, wave))) {
      end.cancel();
      return wave;
    }
  }
  if (fresh !== undefined && fresh !== over) yield* awaitAny(context, fresh, timerAt(context, endMs));
  if (!over.isCompleted) yield over;
  if (!end.isCompleted) end.cancel();
  return wave;
}

const resultsOf = ({ run, flights }: Sending, wave: Wave): readonly (LaneResult | null)[] =>
  wave.lanes.map((work, lane) => flights.resultOf({ wave: run.wave, lane }, work));

const newlyBack = (run: RunState, wave: Wave, flights: Flights) => {
  const known = new Set(wave.late.map(({ lane }) => lane));
  return flights.backOf(run.carried.filter((lane) => !known.has(lane)));
};

function* awaitAny(context: OrchestrationContext, task: Task | undefined, timer: TimerTask): Steps<void> {
  yield task === undefined ? timer : context.df.Task.any([task, timer]);
  if (!timer.isCompleted) timer.cancel();
}

/** Decides about the lanes that are not back, and waits for them where that is better. */
function* gather(
  sending: Sending,
  begun: Wave,
): Steps<{ readonly over: Wave; readonly results: readonly (LaneResult | null)[] }> {
  const { context, run, flights } = sending;
  let over = begun;
  for (let waits = 0; ; waits += 1) {
    over = follow(run, { ...over, isLast: true }, newlyBack(run, over, flights), nowOf(context));
    const results = resultsOf(sending, over);
    const verdict = verdictOf(run, over, results, waits);
    const isAllBack = results.every((result) => result !== null) && over.late.length === run.carried.length;
    if (verdict === 'carry' || isAllBack) return { over, results };
    if (verdict === 'land') yield* flights.land();
    else {
      yield timerAt(context, nowOf(context) + verdict.waitMs);
      over = { ...over, looks: over.looks + 1 };
    }
  }
}

/** Waits for the lanes that earlier waves left behind; nothing is sent meanwhile. */
export function* land(
  context: OrchestrationContext,
  input: BulkRunInput,
  run: RunState,
  flights: Flights,
): Steps<RunState> {
  const startedMs = nowOf(context);
  yield* flights.land();
  if (run.carried.length === 0) return run;
  const wave = follow(run, noWave(run, startedMs), flights.backOf(run.carried), nowOf(context));
  flights.tidy();
  const times: WaveTimes = { startedMs, endedMs: nowOf(context) };
  return absorb(run, input.spec, wave, [], times);
}

/** Starts the lanes of a wave from the given one on. */
function setOff({ context, input, run, grant, flights, startedMs }: Sending, wave: Wave, from: number): Task[] {
  const { runId, spec } = input;
  const rowLimit = rowLimitOf(run);
  const mostRejected = toleratedLeft(run.counts, spec.options.tolerate);
  return wave.lanes.slice(from).map((stretches, at) => {
    const lane = from + at;
    const task = context.df.callActivity(names.sendRows, {
      runId,
      wave: run.wave,
      stretches,
      boxEndsAt: isoOf(startedMs + wave.boxSeconds * 1_000),
      rowsPerRequest: grant.rowsPerRequest,
      duty: grant.duty,
      ...routeOf(wave, lane, startedMs),
      ...(wave.alone === undefined ? {} : { alone: wave.alone }),
      dopHint: run.dopHint,
      ...(rowLimit === undefined ? {} : { rowLimit }),
      ...(mostRejected === undefined ? {} : { mostRejected }),
    } satisfies SendRowsInput);
    flights.add({ wave: run.wave, lane }, task);
    return task;
  });
}

/** Duty and server of a lane, where lanes choose theirs. */
function routeOf(wave: Wave, lane: number, startedMs: number): Partial<Pick<SendRowsInput, 'duty' | 'route'>> {
  const place = wave.places?.[lane];
  if (place === undefined) return {};
  const { duty, ...route } = place;
  return { duty, route: { ...route, independent: wave.independent, boxStartsAt: isoOf(startedMs) } };
}

const nowOf = (context: OrchestrationContext): number => context.df.currentUtcDateTime.getTime();

const isoOf = (ms: number): string => new Date(ms).toISOString();

const timerAt = (context: OrchestrationContext, atMs: number): TimerTask => context.df.createTimer(new Date(atMs));
