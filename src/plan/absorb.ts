import { carry, restOf } from './carried.ts';
import { throttlesIn, type LaneReport } from './lane.ts';
import type { WaveFeedback } from './law-state.ts';
import { addCounts, totalOf, type OutcomeCounts } from './outcome.ts';
import { givenUpText, mostGivenUp } from './poison.ts';
import { addSends, learn, noSends } from './request-size.ts';
import { afterWave } from './run-limits.ts';
import { cancelled, eventsOf, longestNote, rowLimitOf, type RunEnding, type RunState } from './run-state.ts';
import type { RunSpec } from './run-spec.ts';
import { addSent } from './sent.ts';
import { isDue, mergeStretches, sliceCountOf, type Stretch } from './stretch.ts';
import { hundredths, sum } from './sum.ts';
import { toleranceExceeded } from './tolerance.ts';
import { feedbackOf, withRefusals } from './wave-feedback.ts';
import { averageLanes, leftOf, type LaneResult, type Wave, type WaveTimes } from './wave.ts';

/** Folds one wave into the run's state: the lanes that are back, and those of earlier waves that came back meanwhile. */
export function absorb(
  run: RunState,
  spec: RunSpec,
  wave: Wave,
  results: readonly (LaneResult | null)[],
  times: WaveTimes,
): RunState {
  const back = results.filter((result) => result !== null);
  const all = [...back, ...wave.late.map(({ result }) => result)];
  const reports = all.filter((result) => 'end' in result);
  const counts = reports.reduce<OutcomeCounts>((sum, report) => addCounts(sum, report.counts), run.counts);
  const done = totalOf(counts) - totalOf(run.counts);
  const seconds = Math.max(0.001, (times.endedMs - times.startedMs) / 1_000);
  const isWave = wave.lanes.length > 0;
  const work = restOfWork(run, wave, results, times);
  const next: RunState = {
    ...run,
    ...work,
    counts,
    recovered: run.recovered + sum(reports, (report) => report.recovered),
    requests: run.requests + sum(reports, (report) => report.requests),
    throttled: run.throttled + sum(reports, (report) => throttlesIn(report.throttles)),
    sent: addSent(run.sent, reports, { rows: done, ...times }),
    wave: isWave ? run.wave + 1 : run.wave,
    lanes: isWave ? wave.lanes.length - wave.followedAtMs.length + run.carried.length : run.lanes,
    dopHint: latestHint(reports, run.dopHint),
    // The few rows that go ahead alone say nothing about a wave.
    rowsPerSecond: isWave && done > 0 && rowLimitOf(run) === undefined ? done / seconds : run.rowsPerSecond,
    fit: learn(
      run.fit,
      reports.reduce((sends, report) => addSends(sends, report.sends), noSends),
      { taken: takenOf(counts) - takenOf(run.counts), bad: sum(reports, (report) => report.badRows) },
      seconds,
    ),
    holdSeconds: Math.max(
      isUnavailable(all) ? unavailableHoldSeconds : 0,
      untilDueSeconds(work.pending, times.endedMs),
    ),
    time: afterWave(run.time, { seconds, progress: done > 0 }),
    givenUp: run.givenUp + (wave.alone === true ? sliceCountOf(all.flatMap(poisonedOf)) : 0),
    note: detailOf(all)?.slice(0, longestNote) ?? (isWave ? null : run.note),
    historyEvents: run.historyEvents + eventsOf(wave.lanes.length, wave.looks),
  };
  return { ...next, ending: run.ending ?? endingOf(next, spec, all) };
}

/** What is left to do, who is still at it, and what the governor hears of it. */
function restOfWork(
  run: RunState,
  wave: Wave,
  results: readonly (LaneResult | null)[],
  times: WaveTimes,
): Pick<RunState, 'pending' | 'suspects' | 'carried' | 'feedback' | 'slicesPerLaneSecond'> {
  const back = results.filter((result) => result !== null);
  const reports = back.filter((result) => 'end' in result);
  const returned = new Set(wave.late.map(({ lane }) => lane));
  const out = carry({ number: run.wave, wave, results, times });
  const rests = wave.late.flatMap((late) => restOf(late, times));
  const seconds = Math.max(0.001, (times.endedMs - times.startedMs) / 1_000);
  const busySeconds = sum(rests, ({ busyMs }) => busyMs) / 1_000;
  const lanes = hundredths(averageLanes(wave, seconds) + busySeconds / seconds);
  const heard = feedbackOf([...reports, ...out.map(({ assumed }) => assumed), ...rests], { seconds, lanes });
  const dealt = wave.lanes.flatMap((work, lane) => (results[lane] === null ? [] : work));
  const slicesDone = sliceCountOf(dealt) - sliceCountOf([...back.flatMap(leftOf), ...back.flatMap(poisonedOf)]);
  const atWork = Math.max(1, averageLanes(wave, seconds) - out.length);
  return {
    ...workLeft(run, wave, back),
    carried: [...run.carried.filter((lane) => !returned.has(lane)), ...out.map(({ lane }) => lane)],
    feedback: wave.lanes.length > 0 ? heard : withoutWave(run.feedback, heard, wave),
    slicesPerLaneSecond: slicesDone > 0 ? slicesDone / atWork / seconds : run.slicesPerLaneSecond,
  };
}

/**
 * Lanes that were waited for, with nothing else under way, say nothing of how busy lanes are. Where the governor has not heard of the wave before yet,
 * what refused them goes with that.
 */
const withoutWave = (untold: WaveFeedback | null, heard: WaveFeedback, { late }: Wave): WaveFeedback =>
  untold === null ? { ...heard, lanes: Math.max(1, late.length), requests: 0 } : withRefusals(untold, heard);

/** A suspect whose lane is heard of when it is alone was a neighbour of one that kills; what is lost alone stays one. */
function workLeft(run: RunState, wave: Wave, back: readonly LaneResult[]): Pick<RunState, 'pending' | 'suspects'> {
  if (wave.alone !== true) {
    const poisoned = [...back, ...wave.late.map(({ result }) => result)].flatMap(poisonedOf);
    return {
      pending: mergeStretches([...wave.undealt, ...back.flatMap(leftOf)]),
      suspects: mergeStretches([...run.suspects, ...poisoned]),
    };
  }
  const lost = back.flatMap((result) => ('lost' in result ? result.lost : []));
  const left = back.flatMap((result) => ('end' in result ? result.left : []));
  return { pending: mergeStretches(left), suspects: mergeStretches([...wave.undealt, ...lost]) };
}

const poisonedOf = (result: LaneResult): readonly Stretch[] => ('end' in result ? (result.poisoned ?? []) : []);

const takenOf = (counts: OutcomeCounts): number => takenKinds.reduce((rows, kind) => rows + (counts[kind] ?? 0), 0);
const takenKinds = ['created', 'updated', 'upserted', 'deleted', 'alreadyAbsent'] as const;

function endingOf(run: RunState, spec: RunSpec, results: readonly LaneResult[]): RunEnding | null {
  const reports = results.filter((result) => 'end' in result);
  const refused = reports.find((report) => report.end === 'refused');
  if (refused !== undefined) return { state: 'stopped', reason: refused.detail ?? 'The environment refused the run.' };
  const broken = reports.find((report) => report.end === 'broken');
  if (broken !== undefined) return { state: 'stopped', reason: broken.detail ?? 'Every row is rejected.' };
  if (reports.some((report) => report.end === 'cancelled')) return cancelled(run).ending;
  const exceeded = toleranceExceeded(run.counts, spec.options.tolerate);
  if (exceeded !== undefined) return { state: 'stopped', reason: exceeded };
  if (run.givenUp > mostGivenUp) return { state: 'stopped', reason: givenUpText(run.givenUp) };
  return null;
}

const detailOf = (results: readonly LaneResult[]): string | undefined =>
  results.map((result) => result.detail).find((detail) => detail !== undefined);

/** How long a run holds back after a wave in which the environment, or the platform under a lane, gave no usable answer. */
const unavailableHoldSeconds = 15;

const isUnavailable = (results: readonly LaneResult[]): boolean =>
  results.some((result) => !('end' in result) || result.end === 'unavailable');

/** Slices that were set aside travel with the state; so many say that something is wrong for all. */
const mostSetAside = 256;

/** How long there is nothing to do, because every slice was set aside, or too many were. */
function untilDueSeconds(pending: readonly Stretch[], nowMs: number): number {
  const later = pending.filter((stretch) => !isDue(stretch, nowMs));
  if (later.length === 0 || (later.length < pending.length && later.length <= mostSetAside)) return 0;
  const nextMs = Math.min(...later.map(({ notBeforeAt = '' }) => Date.parse(notBeforeAt)));
  return Math.ceil((nextMs - nowMs) / 1_000);
}

/** Lanes that ended early still report the hint from before; a changed one is the later. */
const latestHint = (reports: readonly LaneReport[], known: number | null): number | null =>
  reports.reduce<number | null>(
    (hint, { dopHint }) => (dopHint === undefined || dopHint === known ? hint : dopHint),
    known,
  );
