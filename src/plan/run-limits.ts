import { leaseGraceSeconds, longestBoxSeconds } from './governor.ts';
import type { RunOptions } from './run-spec.ts';

/** A run without a new outcome for so long is given up, redrivable. */
export const mostIdleMinutes = 60;
/** A run ends after so long when its spec does not say. */
export const defaultDeadlineMinutes = 24 * 60;
export const mostDeadlineMinutes = 30 * 24 * 60;

/**
 * How the time of a run went by. Time in which the orchestration slept longer than it meant to, because the run was paused or the app was
 * not there, is nobody's lack of progress.
 */
export interface RunTime {
  /** Since the last new outcome, without what was slept. */
  readonly idleSeconds: number;
  /** Those of them that were waits the environment had ordered. */
  readonly orderedSeconds: number;
  /** Slept beyond what was meant, since the run began. */
  readonly sleptSeconds: number;
}

export const newTime: RunTime = { idleSeconds: 0, orderedSeconds: 0, sleptSeconds: 0 };

/** What a step may take: a wave its box and the longest request behind it. */
export const longestWaveSeconds = longestBoxSeconds + leaseGraceSeconds;
/** A durable timer may fire late by this. */
const lateSeconds = 30;

export interface WavePassed {
  readonly seconds: number;
  /** A row got an outcome. */
  readonly progress: boolean;
}

export function afterWave(time: RunTime, { seconds, progress }: WavePassed): RunTime {
  const slept = Math.max(0, seconds - longestWaveSeconds);
  return {
    idleSeconds: progress ? 0 : time.idleSeconds + seconds - slept,
    orderedSeconds: progress ? 0 : time.orderedSeconds,
    sleptSeconds: time.sleptSeconds + slept,
  };
}

export interface WaitPassed {
  readonly meantSeconds: number;
  readonly seconds: number;
  readonly ordered: boolean;
}

export function afterWait(time: RunTime, { meantSeconds, seconds, ordered }: WaitPassed): RunTime {
  const slept = Math.max(0, seconds - meantSeconds - lateSeconds);
  const waited = seconds - slept;
  return {
    idleSeconds: time.idleSeconds + waited,
    orderedSeconds: time.orderedSeconds + (ordered ? waited : 0),
    sleptSeconds: time.sleptSeconds + slept,
  };
}

export interface RunClock {
  readonly startedAt: string;
  readonly time: RunTime;
}

/** Seconds until the run has to end unless a row gets an outcome; none left where `limitReached` says why. */
export function secondsLeft({ startedAt, time }: RunClock, options: RunOptions, nowMs: number): number {
  const ranSeconds = (nowMs - Date.parse(startedAt)) / 1_000 - time.sleptSeconds;
  return Math.min(mostIdleMinutes * 60 - time.idleSeconds, deadlineMinutesOf(options) * 60 - ranSeconds);
}

/** Why the run has to end now; undefined while it may go on. */
export function limitReached(clock: RunClock, options: RunOptions, nowMs: number): string | undefined {
  if (secondsLeft(clock, options, nowMs) > 0) return undefined;
  const { idleSeconds, orderedSeconds } = clock.time;
  if (idleSeconds < mostIdleMinutes * 60)
    return `The run has not come to its end within its deadline (options.deadlineMinutes: ${deadlineMinutesOf(options)}).`;
  const ordered = Math.round(orderedSeconds / 60);
  const waits = ordered > 0 ? `, ${ordered} of them in waits that the environment ordered` : '';
  return `No row got an outcome for ${mostIdleMinutes} minutes${waits}.`;
}

const deadlineMinutesOf = ({ deadlineMinutes = defaultDeadlineMinutes }: RunOptions): number => deadlineMinutes;
