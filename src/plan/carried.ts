import type { LaneReport } from './lane.ts';
import { noSends } from './request-size.ts';
import { paceSeconds } from './spent-time.ts';
import { hundredths, mean } from './sum.ts';
import type { LaneResult, Wave, WaveTimes } from './wave.ts';
import type { LaneWork } from './waves.ts';

/** A lane that was not back when its wave was over, and what has been assumed of it since. */
export interface CarriedLane {
  /** The wave it set off with, and its place in it: together its name. */
  readonly wave: number;
  readonly lane: number;
  readonly work: LaneWork;
  /** Present where lanes choose their servers. */
  readonly server?: string | null;
  readonly boxStartsMs: number;
  /** What the governor has been told of it already. */
  readonly requests: number;
  readonly busyMs: number;
  /** Its wave met a limit: what this lane was refused is no news. */
  readonly metLimit: boolean;
}

/** A carried lane that is back. */
export interface LateLane {
  readonly lane: CarriedLane;
  readonly result: LaneResult;
}

interface Folding {
  readonly number: number;
  readonly wave: Wave;
  readonly results: readonly (LaneResult | null)[];
  readonly times: WaveTimes;
}

/**
 * The lanes that are not back. They have used the environment as much as the others, so the governor hears of them what is the mean of those that
 * came back; once they are back themselves, it hears of the rest.
 */
export function carry(folding: Folding): readonly { readonly lane: CarriedLane; readonly assumed: LaneReport }[] {
  const { number, wave, results, times } = folding;
  const metLimit = results.some((result) => result !== null && 'end' in result && hasThrottles(result));
  const peers = peersOf(wave, results);
  return wave.lanes.flatMap((work, lane) => {
    if (results[lane] !== null) return [];
    const place = wave.places?.[lane];
    const server = place?.server;
    // A lane that sends once has been answered nothing yet.
    const assumed = place?.once === true ? silent : assumedOf(peers, server);
    const { requests, busyMs } = assumed;
    const placed = server === undefined ? {} : { server };
    const boxStartsMs = times.startedMs;
    return [{ lane: { wave: number, lane, work, ...placed, boxStartsMs, requests, busyMs, metLimit }, assumed }];
  });
}

const hasThrottles = ({ throttles }: LaneReport): boolean => Object.keys(throttles).length > 0;

/** Reports of lanes that had the whole box: none that only looked where it was sent, or set off later. */
function peersOf({ lanes, places, followedAtMs }: Wave, results: readonly (LaneResult | null)[]): LaneReport[] {
  const whole = results.slice(0, lanes.length - followedAtMs.length);
  return whole.flatMap((result, lane) =>
    result === null || !('end' in result) || places?.[lane]?.once === true ? [] : [result],
  );
}

function assumedOf(all: readonly LaneReport[], server: string | null | undefined): LaneReport {
  const there = server === undefined ? [] : all.filter(({ at }) => at?.server === server);
  const peers = there.length > 0 ? there : all;
  const meanOf = (value: (report: LaneReport) => number): number => mean(peers.map(value));
  const steps = Math.max(0, ...peers.map(({ at }) => at?.spent.length ?? 0));
  const spent = Array.from({ length: steps }, (_, step) => hundredths(meanOf(({ at }) => at?.spent[step] ?? 0)));
  return {
    ...silent,
    requests: Math.round(meanOf(({ requests }) => requests)),
    busyMs: Math.round(meanOf(({ busyMs }) => busyMs)),
    ...(server === undefined ? {} : { at: { server, scout: false, spent } }),
  };
}

/** A report that says nothing. */
const silent: LaneReport = {
  end: 'box',
  left: [],
  counts: {},
  recovered: 0,
  requests: 0,
  rowsSent: 0,
  throttles: {},
  waitMs: 0,
  sends: noSends,
  busyMs: 0,
  badRows: 0,
};

/** What the governor has not heard yet of a lane that is back, as if it had been a lane of the wave under way. */
export function restOf({ lane, result }: LateLane, { startedMs, endedMs }: WaveTimes): readonly LaneReport[] {
  if (!('end' in result)) return [];
  const { at } = result;
  const busyMs = Math.max(0, result.busyMs - lane.busyMs);
  const told = at?.notBeforeAt === undefined ? undefined : Date.parse(at.notBeforeAt) - endedMs;
  const news = lane.metLimit ? {} : result.throttles;
  const rest = {
    ...silent,
    requests: Math.max(0, result.requests - lane.requests),
    throttles: news,
    waitMs: Math.max(0, told ?? result.waitMs),
    busyMs,
  };
  if (at === undefined) return [rest];
  // What was left on its server when it began is old by now; that there was more than expected, too.
  const { left: _left, roomy: _roomy, ...place } = at;
  const spent = laterSteps(at.spent, busyMs / 1_000, (lane.boxStartsMs - startedMs) / 1_000);
  return [{ ...rest, at: { ...place, spent } }];
}

/** The last so many seconds of what a lane spent, by the steps of a later box. */
function laterSteps(spent: readonly number[], seconds: number, shiftSeconds: number): readonly number[] {
  const later: number[] = [];
  let missing = seconds;
  for (let step = spent.length - 1; step >= 0 && missing > 0; step -= 1) {
    const here = Math.min(missing, spent[step] ?? 0);
    const place = Math.max(0, Math.floor(step + 0.5 + shiftSeconds / paceSeconds));
    while (later.length <= place) later.push(0);
    later[place] = hundredths((later[place] ?? 0) + here);
    missing -= here;
  }
  return later;
}
