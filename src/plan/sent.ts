import type { LaneReport } from './lane.ts';
import { sum } from './sum.ts';

/** What a run has sent, in all: the measure that its plan is held against. */
export interface Sent {
  /** When the first lanes set off, and when the latest wave ended; milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Rows that got an outcome. */
  readonly rows: number;
  /** Rows in requests, each time they were sent. */
  readonly rowsSent: number;
  /** Time with a request on its way, over all lanes. */
  readonly busyMs: number;
}

/** Adds a wave. */
export function addSent(
  sent: Sent | null,
  reports: readonly Pick<LaneReport, 'busyMs' | 'rowsSent'>[],
  wave: { readonly rows: number; readonly startedMs: number; readonly endedMs: number },
): Sent {
  return {
    sinceMs: sent?.sinceMs ?? wave.startedMs,
    untilMs: wave.endedMs,
    rows: (sent?.rows ?? 0) + wave.rows,
    rowsSent: (sent?.rowsSent ?? 0) + sum(reports, (report) => report.rowsSent),
    busyMs: (sent?.busyMs ?? 0) + sum(reports, (report) => report.busyMs),
  };
}
