import { isSilent } from './evidence.ts';
import type { Cell, LawState } from './law-state.ts';
import { inFlightOverWindow } from './spent-time.ts';

/**
 * Whether the ceiling still stands, asked of one server at a time: it is sent more than the ceiling while the others go on. A refusal says yes, at the
 * price of one short wait of that server, and is a fresh measurement; where none comes, what it carried holds for all, and it goes on further ahead.
 */
export interface Probe {
  /** The server that is sent more than the ceiling; null: none is. */
  readonly server: string | null;
  /** How many probes in a row went through. */
  readonly steps: number;
  /** Requests since the ceiling was last seen to stand. */
  readonly requests: number;
  /** No probe begins before this moment. */
  readonly notBeforeMs: number;
}

export const noProbe: Probe = { server: null, steps: 0, requests: 0, notBeforeMs: 0 };

/** A probe costs a refusal or two where nothing has changed: of so many requests. */
const requestsPerProbe = 200;
const leastMsBetween = 30_000;

/** Nothing is to be asked now: the limit has just been met, or the aim is another matter. */
export const restingProbe = (nowMs: number): Probe => ({ ...noProbe, notBeforeMs: nowMs + leastMsBetween });
/** What told of more has fallen silent: that is asked at once. */
export const dueProbe: Probe = { ...noProbe, requests: requestsPerProbe };

/** How far above the ceiling a probe goes, by how many went through before. */
const reaches = [0.05, 0.15, 0.3] as const;
/** Times the aim in flight that it takes to get there within a short box. */
const probeFactor = 2.5;
/** Above the ceiling by less than this, nothing is proved. */
const passedBy = 1.01;
/** A window with more room than this takes too long to fill. */
const leastFull = 0.9;
export const probeBoxSeconds = 20;

/** Whether growth is left to probes: where servers count for themselves, and one of them can speak for all. */
export const growsByProbes = (law: LawState, nowMs: number): boolean =>
  isSilent(law, nowMs) &&
  law.routing.pinned &&
  law.routing.counters === 'perServer' &&
  law.routing.expected === null &&
  law.cells.length > 1 &&
  law.windowed &&
  law.ceiling !== null;

/** Seconds until the next probe is due, at so many requests a second. */
export function secondsUntilProbe({ probe }: LawState, requestsPerSecond: number, nowMs: number): number {
  if (probe.steps > 0) return 0;
  const missing = requestsPerProbe - probe.requests;
  const byRequests = missing <= 0 ? 0 : missing / requestsPerSecond;
  return Math.max(byRequests, (probe.notBeforeMs - nowMs) / 1_000);
}

/** Begins a probe when it is due. `mayTry`: more than recommended may be sent, and there is work for it. */
export function withProbe(law: LawState, moment: { readonly nowMs: number; readonly mayTry: boolean }): LawState {
  const { nowMs } = moment;
  const isPossible = moment.mayTry && growsByProbes(law, nowMs) && law.strikes === 0;
  if (!isPossible || (law.probe.server === null && secondsUntilProbe(law, 0, nowMs) > 0)) return withoutProbe(law);
  if (law.cells.some(({ server }) => server === law.probe.server)) return law;
  const fullest = fullestOf(law, nowMs);
  return fullest === undefined ? law : { ...law, probe: { ...law.probe, server: fullest.server } };
}

const withoutProbe = (law: LawState): LawState =>
  law.probe.server === null ? law : { ...law, probe: { ...law.probe, server: null, steps: 0 } };

/** It is nearest to its limit. */
function fullestOf({ cells, ceiling }: LawState, nowMs: number): Cell | undefined {
  const open = cells.filter(({ notBeforeMs }) => notBeforeMs <= nowMs);
  const used = open.map(({ spent }) => inFlightOverWindow(spent, nowMs));
  const most = Math.max(...used);
  return most < (ceiling ?? 0) * leastFull ? undefined : open[used.indexOf(most)];
}

/** What a probe's server may be sent over a window, and in flight. */
export const probeLevel = ({ aim, probe }: LawState): { readonly allowed: number; readonly most: number } => ({
  allowed: aim * (1 + (reaches[probe.steps] ?? reaches[2])),
  most: aim * probeFactor,
});

/** What the probe's server carried without a refusal, where that is more than the ceiling; undefined while it is not. */
export function passedLevel({ cells, ceiling, probe }: LawState, nowMs: number): number | undefined {
  const cell = probe.server === null ? undefined : cells.find(({ server }) => server === probe.server);
  const carried = cell === undefined ? 0 : inFlightOverWindow(cell.spent, nowMs);
  return ceiling !== null && carried > ceiling * passedBy ? carried : undefined;
}

/** The ceiling is what one server has carried: the others follow, and it goes ahead. */
export const passed = (law: LawState, level: number, nowMs: number): LawState => ({
  ...law,
  aim: level,
  ceiling: level,
  changedAtMs: nowMs,
  limitAtMs: nowMs,
  probe: { ...law.probe, steps: law.probe.steps + 1, requests: 0 },
});
