import { certain, type Interval } from './estimate.ts';
import type { JobPlan } from './plan-job.ts';
import type { RunProgress } from './progress.ts';
import type { Sent } from './sent.ts';
import { windowSeconds } from './spent-time.ts';

/** What is known of a run on its way. */
export interface Course {
  /** Absent before the source is indexed. */
  readonly plan: JobPlan | undefined;
  /** As the orchestrator told it when the latest wave ended, and with what the lanes have done since. */
  readonly told: RunProgress;
  readonly live: RunProgress;
  readonly sent: Sent | null;
}

/** How far the rest of a run may go otherwise than what came before it. */
const doubt = { leastOfYoung: 0.4, least: 0.85, most: 1.25 };
/** A run begins with few lanes; so long it may still become much faster. */
const youngSeconds = 60;
/** The end of a run is slower than its middle: most lanes have run out of work, and one of the last requests is slow. */
const tail = { likely: { requests: 2, seconds: 2 }, most: { requests: 8, seconds: 8 } };

/**
 * Seconds until the rows left are done: by the rate of late, by the rate of the whole run, and by what the limits bear once the credit is used. Before
 * anything was measured it is the plan's share; null where there is no plan.
 */
export function secondsLeft(course: Course, nowMs: number): Interval | null {
  const { rowsTotal, rowsDone, waitingUntil } = course.live;
  const rowsLeft = Math.max(0, rowsTotal - rowsDone);
  if (rowsLeft === 0) return certain(0);
  const sending = sendingLeft(course, rowsLeft, nowMs);
  if (sending === undefined) return null;
  const waitSeconds = waitingUntil === null ? 0 : Math.max(0, (Date.parse(waitingUntil) - nowMs) / 1_000);
  return {
    least: Math.floor(sending.least + waitSeconds),
    likely: Math.ceil(sending.likely + waitSeconds),
    most: Math.ceil(sending.most + waitSeconds),
  };
}

function sendingLeft(course: Course, rowsLeft: number, nowMs: number): Interval | undefined {
  const { plan, live } = course;
  const pace = paceOf(course, nowMs);
  if (pace === undefined) return plan === undefined ? undefined : shareOf(plan.seconds, rowsLeft / live.rowsTotal);
  const ofLate = rowsLeft / pace.rowsPerSecond;
  const onAverage = rowsLeft / pace.averageRowsPerSecond;
  const limited = plan === undefined ? ofLate : atLimits(rowsLeft, pace, plan.basis.inFlight.likely);
  const isYoung = pace.elapsedSeconds < youngSeconds;
  const requestSeconds = pace.busySecondsPerRow * Math.min(rowsLeft, live.rowsPerRequest ?? 1);
  const behind = ({ requests, seconds }: typeof tail.most): number => requests * requestSeconds + seconds;
  return {
    least: Math.min(ofLate, onAverage) * (isYoung ? doubt.leastOfYoung : doubt.least),
    likely: Math.cbrt(ofLate * onAverage * limited) + behind(tail.likely),
    most: Math.max(ofLate, onAverage, limited) * doubt.most + behind(tail.most),
  };
}

const shareOf = ({ least, likely, most }: Interval, share: number): Interval => ({
  least: least * share,
  likely: likely * share,
  most: most * share,
});

/** What was measured. */
interface Pace {
  readonly rowsPerSecond: number;
  readonly averageRowsPerSecond: number;
  readonly busySecondsPerRow: number;
  readonly elapsedSeconds: number;
  /** Seconds of sending, over all lanes. */
  readonly usedSeconds: number;
}

function paceOf({ told, live, sent }: Course, nowMs: number): Pace | undefined {
  const { rowsPerSecond } = live;
  if (sent === null || sent.rows === 0 || rowsPerSecond === null || rowsPerSecond <= 0) return undefined;
  const rows = sent.rows + live.rowsDone - told.rowsDone;
  const elapsedSeconds = Math.max(1, (nowMs - sent.sinceMs) / 1_000);
  const busySecondsPerRow = sent.busyMs / 1_000 / sent.rows;
  return {
    rowsPerSecond,
    averageRowsPerSecond: rows / elapsedSeconds,
    busySecondsPerRow,
    elapsedSeconds,
    usedSeconds: busySecondsPerRow * rows,
  };
}

/**
 * A window of the limits holds so much and no more, however it was spread: a run that sends more than its environment sustains has to wait for its end
 * when that is used up, and sends what is sustained from then on. What was used beyond it shows that more is sustained than was thought.
 */
function atLimits(rowsLeft: number, pace: Pace, expected: number): number {
  const { rowsPerSecond, averageRowsPerSecond, busySecondsPerRow, elapsedSeconds, usedSeconds } = pace;
  if (rowsPerSecond * busySecondsPerRow <= expected) return rowsLeft / rowsPerSecond;
  if (elapsedSeconds >= windowSeconds) return rowsLeft / averageRowsPerSecond;
  const sustained = Math.max(expected, usedSeconds / windowSeconds);
  const work = rowsLeft * busySecondsPerRow;
  const left = sustained * windowSeconds - usedSeconds;
  return work <= left ? rowsLeft / rowsPerSecond : windowSeconds - elapsedSeconds + (work - left) / sustained;
}
