import { sprintLanes } from './estimate.ts';
import type { ThrottleFacet } from './lane.ts';
import { addSpent, inFlightOverWindow, roomFor, windowSeconds, type Spent } from './spent-time.ts';

/**
 * What the control law knows of one environment. It steers `aim`, the average number of requests in flight, because that, and not the number
 * of lanes, is what the execution-time limit counts; lanes are as many as it takes.
 */
export interface LawState {
  /** The latest degree of parallelism the environment recommended; null before the first answer. */
  readonly hint: number | null;
  readonly aim: number;
  /** What can be sustained, as far as a limit or the latency has shown it; null while neither has. */
  readonly ceiling: number | null;
  /** The ceiling was shown by a limit that looks back over a window. */
  readonly windowed: boolean;
  /** Lanes at which the concurrency limit was met, and until when that is remembered. */
  readonly cliff: { readonly lanes: number; readonly untilMs: number } | null;
  /** Waves in a row that met a limit. */
  readonly strikes: number;
  /** Time a lane loses to each wave: its start, and at the end the wait for the slowest. */
  readonly idleSeconds: number;
  readonly spent: readonly Spent[];
  readonly changedAtMs: number;
  /** When a window limit was last met. */
  readonly limitAtMs: number;
}

/** What one wave of one run met, as its lanes reported it. */
export interface WaveFeedback {
  /** 429 answers by facet. */
  readonly throttles: Readonly<Partial<Record<ThrottleFacet, number>>>;
  /** Longest wait the environment ordered, in ms from the end of the wave. */
  readonly waitMs: number;
  readonly seconds: number;
  readonly lanes: number;
  /** Requests answered, and the time spent on them. */
  readonly requests: number;
  readonly busyMs: number;
}

export interface Heard {
  readonly hint?: number | undefined;
  readonly feedback?: WaveFeedback | undefined;
  /** How many times slower than unhindered a row was. */
  readonly inflation: number;
  /** The run could have used more lanes than it got. */
  readonly limited: boolean;
  /** Share of their time that its lanes were allowed to send. */
  readonly duty: number;
}

/** Stands in for a missing hint: the smallest value seen on live environments. */
export const fallbackHint = 4;

export const newLaw: LawState = {
  hint: null,
  aim: fallbackHint,
  ceiling: null,
  windowed: false,
  cliff: null,
  strikes: 0,
  idleSeconds: 0,
  spent: [],
  changedAtMs: 0,
  limitAtMs: 0,
};

/** Growth a second while no limit was ever met: doubles in a hundred seconds, so that the window shows the ceiling once. */
const exploreGrowth = 0.007;
const mostGrowthAtOnce = 0.4;
/** Below the ceiling that a limit has shown; and again for each further wave that meets it. */
const cut = 0.04;
const deepestCut = 0.12;
/** After a cut the same step is taken up again within so many requests: so about one in 350 meets a limit. */
const requestsToRegrow = 350;
const boldAfterMs = 330_000;
/** Share of the aim that the window must hold before calm allows more. */
const leastTested = 0.85;
const cliffMemoryMs = 600_000;
const concurrencyCut = 0.8;
/** Slower than this is no noise; and so much of it is accepted for being sure to use everything. */
const hindered = 1.15;
const acceptedInflation = 1.1;
/** The bounds of that, as shares of the aim. */
const leastOfAim = 0.2;
const mostOfAim = 1.2;
const leastAim = 0.5;
/** Share of the ceiling that plans use: lanes spend faster at the start of a box than at its end. */
const keptFree = 0.97;
/** The limit was met at what was seen; this keeps clear of it. */
const belowSeen = 0.975;
/** Share of the ceiling above which meeting a limit is no surprise. */
const asExpected = 0.9;
/** Share of the hint that is kept when a limit is met early, and when requests become slower. */
const usedByOthers = 0.4;
const yieldedAtMost = 0.5;
const farBelow = 0.9;
const idleSmoothing = 0.3;
/** At most so many more lanes make up for the time that is lost between waves. */
const mostIdleShare = 0.3;

/** One step of the law. Never reads a clock; answers with the new state and, for people, why the aim changed. */
export function step(
  law: LawState,
  heard: Heard,
  nowMs: number,
): { readonly law: LawState; readonly why: string | null } {
  const followed = followHint(law, heard.hint);
  const { feedback } = heard;
  if (feedback === undefined) return followed;
  const measured = measure(followed.law, feedback, heard.duty, nowMs);
  const facet = facetOf(feedback.throttles);
  const next =
    facet === undefined ? calm(measured, heard, feedback, nowMs) : throttled(measured, facet, feedback.lanes, nowMs);
  return { law: next.law, why: next.why ?? followed.why };
}

/** What was learned is kept in proportion: servers that come and go change hint and ceiling alike. */
function followHint(law: LawState, hint: number | undefined): { readonly law: LawState; readonly why: string | null } {
  if (hint === undefined || hint === law.hint) return { law, why: null };
  if (law.hint === null && law.ceiling === null) return { law: { ...law, hint, aim: hint }, why: `hint ${hint}` };
  const factor = hint / recommended(law);
  const ceiling = law.ceiling === null ? null : law.ceiling * factor;
  // The windows of servers that left went with them; those of new ones are empty.
  const spent = law.spent.map((piece) => ({ ...piece, laneSeconds: piece.laneSeconds * Math.min(1, factor) }));
  return {
    law: { ...law, hint, aim: law.aim * factor, ceiling, cliff: null, strikes: 0, spent },
    why: `hint ${law.hint ?? 'none'} to ${hint}`,
  };
}

function measure(law: LawState, feedback: WaveFeedback, duty: number, nowMs: number): LawState {
  const laneSeconds = feedback.busyMs / 1_000;
  const spent = addSpent(law.spent, { fromMs: nowMs - feedback.seconds * 1_000, toMs: nowMs, laneSeconds });
  if (facetOf(feedback.throttles) !== undefined || feedback.waitMs > 0 || feedback.requests === 0)
    return { ...law, spent };
  const idle = Math.max(0, feedback.seconds - laneSeconds / feedback.lanes / duty);
  return { ...law, spent, idleSeconds: law.idleSeconds + (idle - law.idleSeconds) * idleSmoothing };
}

/** The facet that asks for the strongest answer. */
function facetOf(throttles: WaveFeedback['throttles']): ThrottleFacet | undefined {
  return (['concurrency', 'executionTime', 'other', 'requests'] as const).find((facet) => (throttles[facet] ?? 0) > 0);
}

/** One cut for a wave that met a limit, however many answers said so. */
function throttled(law: LawState, facet: ThrottleFacet, lanes: number, nowMs: number): { law: LawState; why: string } {
  const strikes = law.strikes + 1;
  if (facet === 'concurrency') {
    // Up to the recommended number it is chance that sent too many to one server: a small step back is enough.
    const least = Math.min(lanes - 1, recommended(law));
    const cliff = { lanes: Math.max(1, least, Math.floor(lanes * concurrencyCut)), untilMs: nowMs + cliffMemoryMs };
    const aim = Math.max(1, Math.min(law.aim, cliff.lanes));
    return { law: { ...law, strikes, cliff, aim, changedAtMs: nowMs }, why: 'concurrency limit met' };
  }
  const seen = inFlightOverWindow(law.spent, nowMs);
  // Met after little of ours, it was used by others or was none of the windows: then what we sent is no measure.
  const least = recommended(law) * usedByOthers;
  const aim = law.ceiling === null || !law.windowed ? Math.max(seen, least) : lowered(law.ceiling, seen, strikes);
  const ceiling = Math.max(leastAim, aim);
  return {
    law: { ...law, strikes, ceiling, windowed: true, aim: ceiling, changedAtMs: nowMs, limitAtMs: nowMs },
    why: `${facet} limit met`,
  };
}

/** A limit met where it was expected is a small correction; met far below, it is believed the more the oftener it is met. */
function lowered(ceiling: number, seen: number, strikes: number): number {
  const depth = Math.min(deepestCut, cut * 2 ** (strikes - 1));
  if (seen < ceiling * asExpected) return Math.max(seen, ceiling * (1 - depth));
  return Math.min(ceiling * (1 + cut), Math.max(ceiling * (1 - cut), seen * belowSeen));
}

function calm(
  law: LawState,
  heard: Heard,
  feedback: WaveFeedback,
  nowMs: number,
): { law: LawState; why: string | null } {
  const rested = feedback.requests > 0 ? { ...law, strikes: 0 } : law;
  if (heard.inflation > hindered) {
    // Others may be why; then going further back would only leave the field to them.
    const least = Math.max(1, recommended(law) * yieldedAtMost);
    const aim = Math.min(law.aim, Math.max(least, (law.aim * acceptedInflation) / heard.inflation));
    return {
      law: { ...rested, aim, ceiling: aim, changedAtMs: nowMs },
      why: 'more in flight only makes requests slower',
    };
  }
  if (!heard.limited || feedback.requests === 0) return { law: rested, why: null };
  // The limits look back over a window: that all is calm while it is not yet full of the present rate proves nothing.
  const tested = inFlightOverWindow(law.spent, nowMs) >= law.aim * leastTested;
  if (law.ceiling !== null && !tested) return { law: rested, why: null };
  const seconds = Math.min(feedback.seconds, (nowMs - law.changedAtMs) / 1_000);
  const growth = law.ceiling === null ? exploration(law) * seconds : regrowth(law, feedback.requests, seconds, nowMs);
  const room = heard.inflation > acceptedInflation ? 0 : Math.min(mostGrowthAtOnce, growth);
  const aim = law.aim * (1 + room);
  const why = law.ceiling === null ? 'no limit met yet' : 'regrowth';
  return { law: { ...rested, aim, ceiling: law.ceiling === null ? null : aim, changedAtMs: nowMs }, why };
}

/** How wide a wave may be, over all runs: lanes, and the share of its time that each may send. */
export function widthOf(
  law: LawState,
  options: { readonly maxDop: number; readonly boxSeconds: number; readonly nowMs: number },
): { readonly lanes: number; readonly duty: number } {
  const cliff = law.cliff !== null && law.cliff.untilMs > options.nowMs ? law.cliff.lanes : Infinity;
  const made = 1 + Math.min(mostIdleShare, law.idleSeconds / options.boxSeconds);
  const wanted = Math.min(aimOf(law, options) * made, cliff, options.maxDop);
  // A hundredth of a lane is not worth a lane.
  const lanes = Math.max(1, Math.ceil(wanted - 0.01));
  return { lanes, duty: Math.min(1, Math.max(0.1, wanted / lanes)) };
}

/** The aim, less what the window still holds of busier times, or somewhat more where it has room left. */
function aimOf(law: LawState, { nowMs, boxSeconds }: { readonly nowMs: number; readonly boxSeconds: number }): number {
  if (!law.windowed) return law.aim;
  const room = roomFor(law.spent, law.aim * keptFree, { nowMs, seconds: boxSeconds + law.idleSeconds });
  return Math.max(law.aim * leastOfAim, Math.min(law.aim * mostOfAim, room));
}

/** Without a hint there is further to go. */
const exploration = ({ hint }: LawState): number => (hint === null ? 2 * exploreGrowth : exploreGrowth);

/** A whole window without a refusal means that there is more than was thought. */
function regrowth(law: LawState, requests: number, seconds: number, nowMs: number): number {
  const byRequests = (cut * requests) / requestsToRegrow;
  if (nowMs - law.limitAtMs <= boldAfterMs) return byRequests;
  // Far below the recommended number there are too few requests to count by.
  const byTime = law.aim < recommended(law) * farBelow ? exploreGrowth * seconds : 0;
  return Math.max(3 * byRequests, byTime);
}

/** What the environment recommends, as far as it does. */
export const recommended = (law: LawState): number => law.hint ?? fallbackHint;

/** The law for a wave that may use up the window's credit, when all that is left to do fits into it; undefined otherwise. */
export function sprint(law: LawState, workSeconds: number, nowMs: number): LawState | undefined {
  if (law.strikes > 0) return undefined;
  const sustained = Math.min(law.ceiling ?? Infinity, recommended(law));
  const spentSeconds = inFlightOverWindow(law.spent, nowMs) * windowSeconds;
  const lanes = sprintLanes({ sustained, workSeconds, spentSeconds });
  return lanes === undefined || lanes <= law.aim ? undefined : { ...law, aim: lanes, windowed: false };
}
