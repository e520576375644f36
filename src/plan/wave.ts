import type { CarriedLane, LateLane } from './carried.ts';
import type { Grant } from './governor.ts';
import { leastOfSize, type LaneEnd, type LaneReport } from './lane.ts';
import { overheadOf, type RequestFit } from './request-size.ts';
import { fitsOneMore, isProbing, type RunState } from './run-state.ts';
import { paceSeconds } from './spent-time.ts';
import { isDue, sliceCountOf, type Stretch } from './stretch.ts';
import { dealAlone, dealLanes, type Deal, type LaneWork } from './waves.ts';
import { laneRoutes, type Route } from './widths.ts';

/** A lane whose activity failed has no report: its work is pending again, and what it committed is adopted by the next lane. */
export type LaneResult = LaneReport | { readonly lost: readonly Stretch[]; readonly detail: string };

export const leftOf = (result: LaneResult): readonly Stretch[] => ('end' in result ? result.left : result.lost);

export interface WaveTimes {
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Where one lane sends. */
export type Place = Omit<Route, 'lanes'>;

/** One wave under way. */
export interface Wave extends Deal {
  readonly startedMs: number;
  /** At most what was granted. */
  readonly boxSeconds: number;
  /** Where each lane sends; absent where lanes do not choose. */
  readonly places?: readonly Place[];
  /** Places that lanes of earlier waves still hold, in the order of the run's carried lanes. */
  readonly heldPlaces: readonly Place[];
  /** A wait that one server tells binds only what is sent there. */
  readonly independent: boolean;
  /** All that is pending is expected to be done when the box ends. */
  readonly isLast: boolean;
  /** Lanes of earlier waves that came back during this one. */
  readonly late: readonly LateLane[];
  /** When lanes set off in the place of such, in ms from the start of the wave: the last of the lanes. */
  readonly followedAtMs: readonly number[];
  /** Timers waited for beside the end of the box. */
  readonly looks: number;
}

/** Work for fewer boxes than this is dealt evenly, so that the lanes end together. */
const evenWithinBoxes = 3;

/**
 * The next wave: which lane gets what. Together with those still out there are no more lanes than were granted. Slices that were set aside wait until
 * they are due.
 */
export function planWave(run: RunState, grant: Grant, nowMs: number): Wave {
  if (run.pending.length === 0 && run.carried.length === 0) return planAlone(run, grant, nowMs);
  const most = Math.max(0, Math.min(grant.lanes, isProbing(run) ? 1 : Infinity) - run.carried.length);
  const { slicesPerLaneSecond } = run;
  const reach = slicesPerLaneSecond === null ? null : slicesPerLaneSecond * grant.boxSeconds * most * grant.duty;
  const due = run.pending.filter((stretch) => isDue(stretch, nowMs));
  // A run only comes here when something is due; should its timer be early, a lane can cope.
  const work = due.length > 0 ? due : run.pending;
  const slices = sliceCountOf(work);
  const even = !isProbing(run) && (reach === null || slices <= reach * evenWithinBoxes);
  const { lanes, undealt } = most === 0 ? { lanes: [], undealt: work } : dealLanes(work, most, { even });
  const isLast = reach === null || slices <= reach;
  const leftSeconds = reach === null || reach === 0 ? Infinity : (grant.boxSeconds * slices) / reach;
  return {
    startedMs: nowMs,
    boxSeconds: isLast ? Math.min(grant.boxSeconds, lastBoxSeconds(leftSeconds)) : grant.boxSeconds,
    lanes,
    undealt: [...undealt, ...run.pending.filter((stretch) => !work.includes(stretch))],
    ...placesOf(grant, run.carried),
    independent: grant.independent === true,
    isLast,
    late: [],
    followedAtMs: [],
    looks: 0,
  };
}

/** Nothing else is left: one slice of those that may kill what sends them, and no other lane beside it. */
function planAlone(run: RunState, grant: Grant, nowMs: number): Wave {
  const { boxSeconds, independent = false } = grant;
  const deal = dealAlone(run.suspects);
  return { ...noWave(run, nowMs), ...deal, ...placesOf(grant, []), boxSeconds, independent };
}

/** Lanes with equal work differ by as much in the time they take for it. */
const surelyBusy = 0.8;
const shortSeconds = 10;
const leastBoxSeconds = 4;

/**
 * When all that is left takes so many seconds, lanes would run out of work one by one, and the last of them in a slow request. The box ends before, so
 * that what is left then is dealt once more; near the end requests become small.
 */
const lastBoxSeconds = (seconds: number): number =>
  Math.max(leastBoxSeconds, seconds > shortSeconds ? seconds * surelyBusy : seconds);

/** A lane that is still out keeps a place at its server, or, where there is none, any other: the sum is what was granted. */
function placesOf(grant: Grant, carried: readonly CarriedLane[]): Pick<Wave, 'places' | 'heldPlaces'> {
  if (grant.routes === undefined) return { heldPlaces: [] };
  const places = [...laneRoutes(grant.routes)];
  const heldPlaces = carried.flatMap(({ server }) => {
    const same = places.findLastIndex((place) => place.server === server);
    return places.splice(same === -1 ? places.length - 1 : same, 1);
  });
  return { places, heldPlaces };
}

/** No wave: lanes that are still out come back, and then it is seen what to do. */
export const noWave = (run: RunState, nowMs: number): Wave => ({
  startedMs: nowMs,
  boxSeconds: 0,
  lanes: [],
  undealt: run.pending,
  heldPlaces: [],
  independent: false,
  isLast: true,
  late: [],
  followedAtMs: [],
  looks: 0,
});

/** Of the time that the smallest requests take: at the end of a box most are half done. And some time for a report to arrive. */
const patience = 0.5;
const reportMs = 400;
const graceMs = { least: 500, most: 3_000, unknown: 1_000 };
/** How long after the end of its box a wave waits for all of its lanes, in ms. */
export function graceOf(fit: RequestFit, rowsPerRequest: number): number {
  if (fit.rowMs === null) return graceMs.unknown;
  const requestMs = overheadOf(fit) + Math.ceil(rowsPerRequest * leastOfSize) * fit.rowMs;
  return Math.round(Math.min(graceMs.most, Math.max(graceMs.least, requestMs * patience + reportMs)));
}

/** Slow requests take a few seconds; what takes longer may take very long. */
export const looksAfterMs = [1_500, 4_000, 10_000, 25_000];
/** Later than this in a box nobody sets off any more. */
const latestShare = 0.6;
/** Lanes may end their box early, all but one in a request that hangs. */
const earlyLookMs = 30_000;
const leastSavedMs = 10_000;

/**
 * When it is looked next who is back, in ms from the start of the wave: soon where lanes of earlier waves are out, and now and again in a long box;
 * undefined when the end of the box comes first.
 */
export function nextLookMs(run: RunState, wave: Wave, sinceMs: number): number | undefined {
  const boxMs = wave.boxSeconds * 1_000;
  const early = (Math.floor(sinceMs / earlyLookMs) + 1) * earlyLookMs;
  const isOut = wave.late.length < run.carried.length && !wave.isLast;
  const soon = looksAfterMs.filter((afterMs) => isOut && afterMs > sinceMs && afterMs < boxMs * latestShare);
  const next = Math.min(early, ...soon);
  return next < early || early <= boxMs - leastSavedMs ? next : undefined;
}

/** Before its box is over, a wave ends when nearly all lanes are back. */
export const isOverEarly = (run: RunState, wave: Wave, results: readonly (LaneResult | null)[]): boolean =>
  outOf(run, wave, results) <= mostCarried(results.length + run.carried.length - wave.late.length);

const outOf = (run: RunState, wave: Wave, results: readonly (LaneResult | null)[]): number =>
  results.filter((result) => result === null).length + run.carried.length - wave.late.length;

/** Takes note of lanes of earlier waves that are back. Where they got on well, others set off in their place with what they left. */
export function follow(run: RunState, wave: Wave, back: readonly LateLane[], nowMs: number): Wave {
  const mayFollow = !wave.isLast && wave.lanes.length > 0 && !back.some(({ result }) => isTrouble(result));
  let next = wave;
  for (const late of back) {
    next = { ...next, late: [...next.late, late] };
    const left = leftOf(late.result);
    const work = mayFollow && isWell(late.result) ? left.filter((stretch) => isDue(stretch, nowMs)) : [];
    const held = next.heldPlaces[run.carried.indexOf(late.lane)];
    if (work.length > 0) next = setOff(next, work, held, nowMs - wave.startedMs);
    next = { ...next, undealt: [...next.undealt, ...left.filter((stretch) => !work.includes(stretch))] };
  }
  return next;
}

const isWell = (result: LaneResult): boolean => 'end' in result && result.end === 'box' && result.waitMs === 0;

function setOff(wave: Wave, work: LaneWork, held: Place | undefined, atMs: number): Wave {
  return {
    ...wave,
    lanes: [...wave.lanes, work],
    ...(wave.places === undefined || held === undefined
      ? {}
      : { places: [...wave.places.slice(0, wave.lanes.length), laterPlace(held, atMs)] }),
    followedAtMs: [...wave.followedAtMs, atMs],
  };
}

/** What nobody spent until now was spent by the lane that was waited for. */
function laterPlace(place: Place, atMs: number): Place {
  const { pace } = place;
  if (pace === undefined) return place;
  const used = pace[Math.floor(atMs / 1_000 / paceSeconds) - 1] ?? 0;
  return { ...place, pace: pace.map((seconds) => Math.max(0, Math.round((seconds - used) * 100) / 100)) };
}

/** What is done about the lanes that are not back: the next wave goes without them, all of them are waited for, or some for so long. */
export type Verdict = 'carry' | 'land' | { readonly waitMs: number };

/** At most this share of the lanes is carried, but always one, unless nobody would go on without it. */
const shareCarried = 0.25;
export const mostCarried = (lanes: number): number =>
  Math.max(0, Math.min(lanes - 1, Math.max(1, Math.floor(lanes * shareCarried))));
const firstWaitMs = 1_000;
const mostWaits = 5;

/** Asked when the box and its grace are over, and again after each wait. */
export function verdictOf(run: RunState, wave: Wave, results: readonly (LaneResult | null)[], waits: number): Verdict {
  const back = [...results.filter((result) => result !== null), ...wave.late.map(({ result }) => result)];
  const out = outOf(run, wave, results);
  const isMoreToDo = wave.undealt.length > 0 || back.some((result) => leftOf(result).length > 0);
  const isQuiet = back.some((result) => isTrouble(result) || mustWait(wave, result));
  if (out === 0 || wave.alone === true || isProbing(run) || isQuiet || !isMoreToDo || !fitsOneMore(run, wave))
    return 'land';
  if (isOverEarly(run, wave, results)) return 'carry';
  return waits < mostWaits ? { waitMs: firstWaitMs * 2 ** waits } : 'land';
}

/** After these the run ends, or holds back. */
const troubles: ReadonlySet<LaneEnd> = new Set(['refused', 'broken', 'cancelled', 'paused', 'unavailable']);
const isTrouble = (result: LaneResult): boolean => !('end' in result) || troubles.has(result.end);

const mustWait = (wave: Wave, result: LaneResult): boolean =>
  'end' in result && result.waitMs > 0 && !(wave.independent && result.at !== undefined && result.at.server !== null);

/** Lanes under way on average; those that set off later count for a part. */
export function averageLanes(wave: Wave, seconds: number): number {
  const later = wave.followedAtMs.reduce((sum, atMs) => sum + Math.max(0, 1 - atMs / 1_000 / seconds), 0);
  return wave.lanes.length - wave.followedAtMs.length + later;
}
