import { doubted, weighCounters } from './counters.ts';
import { sprintLanes } from './estimate.ts';
import {
  growthByPromise,
  hearSilence,
  isSilent,
  promiseBroken,
  promisedBy,
  promiseKept,
  withoutNonsense,
} from './evidence.ts';
import {
  facetOf,
  recommended,
  recommendedPerCell,
  type Cell,
  type Heard,
  type LawState,
  type ServerFeedback,
  type WaveFeedback,
} from './law-state.ts';
import type { ThrottleFacet } from './lane.ts';
import { dueProbe, growsByProbes, passed, passedLevel, restingProbe } from './probe.ts';
import { judge, mayChoose, meetServers, together } from './routing.ts';
import { addSpent, inFlightOverWindow, paceSeconds, scaleSpent, windowSeconds } from './spent-time.ts';

/** Growth a second while no limit was ever met: doubles in a hundred seconds, so that the window shows the ceiling once. */
const exploreGrowth = 0.007;
const mostGrowthAtOnce = 0.4;
/** Below the ceiling that a limit has shown; and again for each further wave that meets it. */
const cut = 0.04;
/** Where each server is accounted for. */
const finestCut = 0.02;
const deepestCut = 0.12;
/** Refusals in one wave that are no chance any more. */
const oftenAtLeast = 3;
const oftenPerCell = 0.75;
/** After a cut the same step is taken up again within so many requests: so about one in 350 meets a limit. */
const requestsToRegrow = 350;
/** Where each server is accounted for, meeting its limit again soon would teach nothing. */
const secondsToRegrow = 600;
const boldAfterMs = 330_000;
/** Share of the aim that the window must hold before calm allows more. */
const leastTested = { pinned: 0.95, anywhere: 0.85 };
const cliffMemoryMs = 600_000;
const concurrencyCut = 0.8;
/** Slower than this is no noise; and so much of it is accepted for being sure to use everything. */
const hindered = 1.15;
const surelyHindered = 1.35;
const acceptedInflation = 1.1;
const leastAim = 0.5;
/** The limit was met at what was seen; this keeps clear of it. */
const belowSeen = 0.975;
const belowMetered = 0.99;
/** Waits that end when the window holds less than this share of the ceiling tell of a lower limit; it is believed down to the second one. */
const surelyLower = 0.93;
const lowestAtOnce = 0.7;
/** Share of the ceiling above which meeting a limit is no surprise. */
const asExpected = 0.9;
/** Share of the hint that is kept when a limit is met early, and when requests become slower. */
const usedByOthers = 0.4;
const yieldedAtMost = 0.5;
const farBelow = { pinned: 0.5, anywhere: 0.9 };
const growthFarBelow = { pinned: 0.0008, anywhere: exploreGrowth };
const idleSmoothing = 0.3;

/** Lane seconds that are no rounding. */
const leastRest = 0.1;

interface Stepped {
  readonly law: LawState;
  /** For people: why the aim changed. */
  readonly why: string | null;
}

/** One step of the law. Never reads a clock. */
export function step(before: LawState, heard: Heard, nowMs: number): Stepped {
  const law = doubted(before, nowMs);
  const chooses = mayChoose(law, heard, nowMs);
  const followed = followHint(chooses ? law : together(law), heard.hint);
  if (heard.feedback === undefined) return followed;
  const feedback = withoutNonsense(heard.feedback);
  const met = chooses
    ? meetServers(followed.law, feedback, { nowMs, beyondHint: heard.beyondHint === true })
    : followed.law;
  const isSame = followed.why === null;
  const measured = weighCounters(measure(met, feedback, { duty: heard.duty, nowMs, isSame }), feedback, nowMs);
  const facet = facetOf(feedback.throttles);
  // What lanes ended their box for came after whatever was refused.
  const rested = facet === undefined || feedback.roomy === true ? calm(measured, heard, feedback, nowMs) : undefined;
  const isCalm = facet === undefined || rested?.law.evidence.eager === true;
  const next = isCalm && rested !== undefined ? rested : throttled(measured, facet ?? 'other', feedback, nowMs);
  const judged = judge(next.law, heard, nowMs);
  return { law: judged.law, why: judged.why ?? next.why ?? followed.why };
}

/**
 * What was learned is kept in proportion: servers that come and go change hint and ceiling alike. Where servers are known, it is their number
 * that changes, until they turn out to be the same.
 */
function followHint(law: LawState, hint: number | undefined): Stepped {
  if (hint === undefined || hint === law.hint) return { law, why: null };
  if (law.hint === null && law.ceiling === null)
    return { law: { ...law, hint, aim: hint / law.cells.length }, why: `hint ${hint}` };
  const factor = hint / recommended(law);
  const why = `hint ${law.hint ?? 'none'} to ${hint}`;
  const followed = { ...law, hint, cliff: null, strikes: 0 };
  if (law.routing.pinned) {
    const expected = hint / law.routing.hintPerServer;
    return { law: { ...followed, routing: { ...law.routing, draws: 0, expected } }, why };
  }
  const ceiling = law.ceiling === null ? null : law.ceiling * factor;
  // The windows of servers that left went with them; those of new ones are empty.
  const cells = law.cells.map((cell) => ({ ...cell, spent: scaleSpent(cell.spent, Math.min(1, factor)) }));
  return { law: { ...followed, aim: law.aim * factor, ceiling, cells }, why };
}

function measure(
  law: LawState,
  feedback: WaveFeedback,
  { duty, nowMs, isSame }: { readonly duty: number; readonly nowMs: number; readonly isSame: boolean },
): LawState {
  const wave = { fromMs: nowMs - feedback.seconds * 1_000, toMs: nowMs };
  const byServer = new Map((feedback.servers ?? []).map((one) => [one.server, one]));
  const known = law.cells.reduce((sum, { server }) => sum + secondsOf(byServer.get(server ?? '')?.spent ?? []), 0);
  // What no known server answered was sent anywhere: to each its share. What a server had that is gone went with it.
  const rest = feedback.gone === undefined ? (feedback.busyMs / 1_000 - known) / law.cells.length : 0;
  const cells = law.cells.map((cell): Cell => {
    const spent = rest > leastRest ? addSpent(cell.spent, { ...wave, laneSeconds: rest }) : cell.spent;
    const own = byServer.get(cell.server ?? '');
    return own === undefined ? { ...cell, spent } : heardOf({ ...cell, spent }, own, wave);
  });
  const evidence = hearSilence(law.evidence, feedback, nowMs);
  const fellSilent = evidence !== law.evidence && !isSilent(law, nowMs);
  const probe = fellSilent ? dueProbe : { ...law.probe, requests: law.probe.requests + feedback.requests };
  const heardLaw = { ...law, cells, evidence, probe };
  const isMoved = !isSame || feedback.roomy === true || feedback.gone !== undefined;
  const isCutShort = isMoved || facetOf(feedback.throttles) !== undefined || feedback.waitMs > 0;
  if (isCutShort || feedback.requests === 0) return heardLaw;
  const idle = Math.max(0, feedback.seconds - feedback.busyMs / 1_000 / feedback.lanes / duty);
  return { ...heardLaw, idleSeconds: law.idleSeconds + (idle - law.idleSeconds) * idleSmoothing };
}

/** What a server has answered counts from when it answered. */
function heardOf(cell: Cell, own: ServerFeedback, wave: { readonly fromMs: number; readonly toMs: number }): Cell {
  const told = own.notBeforeAt === undefined ? 0 : Date.parse(own.notBeforeAt);
  const spent = own.spent.reduce((sum, laneSeconds, step) => {
    const fromMs = Math.min(wave.toMs - 1, wave.fromMs + step * paceSeconds * 1_000);
    const toMs = Math.min(wave.toMs, fromMs + paceSeconds * 1_000);
    return laneSeconds > 0 ? addSpent(sum, { fromMs, toMs, laneSeconds }) : sum;
  }, cell.spent);
  return { ...cell, spent, notBeforeMs: Math.max(cell.notBeforeMs, told) };
}

/** One cut for a wave that met a limit, however many answers said so. */
function throttled(law: LawState, facet: ThrottleFacet, feedback: WaveFeedback, nowMs: number): Stepped {
  const strikes = law.strikes + 1;
  const refusers = (feedback.servers ?? []).filter(({ throttles }) => facetOf(throttles) !== undefined);
  if (facet === 'concurrency') {
    const lanes =
      refusers.length === 0 || !law.routing.pinned
        ? feedback.lanes / law.cells.length
        : Math.max(...refusers.map((one) => one.lanes));
    // Up to the recommended number it is chance that sent too many to one server: a small step back is enough.
    const least = Math.min(lanes - 1, recommendedPerCell(law));
    const cliff = { lanes: Math.max(1, least, Math.floor(lanes * concurrencyCut)), untilMs: nowMs + cliffMemoryMs };
    const aim = Math.max(1, Math.min(law.aim, cliff.lanes));
    return { law: { ...law, strikes, cliff, aim, changedAtMs: nowMs }, why: 'concurrency limit met' };
  }
  const seen = seenAt(law, refusers, nowMs);
  if (law.ceiling !== null && refusers.length > 0 && refusers.every(({ server }) => server === law.probe.server)) {
    // Asked for: no sign of anything but where the limit is.
    const low = lowered(law, law.ceiling, { seen, isOften: false });
    const stands = law.probe.steps === 0 ? low : Math.max(law.ceiling, seen * belowMetered);
    const next = {
      ...law,
      aim: stands,
      ceiling: stands,
      changedAtMs: nowMs,
      limitAtMs: nowMs,
      probe: restingProbe(nowMs),
    };
    return { law: next, why: 'the limit was looked for and met' };
  }
  const refusals = refusers.reduce((sum, one) => sum + countOf(one.throttles), 0);
  const isOften = refusals >= Math.max(oftenAtLeast, law.cells.length * oftenPerCell);
  // Met after little of ours, it was used by others or was none of the windows: then what we sent is no measure.
  const least = recommendedPerCell(law) * usedByOthers;
  const first = law.routing.pinned ? seen * belowMetered : seen;
  const now = toldBy(law, refusers);
  const aim =
    law.ceiling === null || !law.windowed
      ? Math.max(first, least)
      : now !== null && now < law.ceiling * surelyLower
        ? Math.max(now * belowMetered, law.ceiling * lowestAtOnce)
        : lowered(law, law.ceiling, { seen, isOften });
  const ceiling = Math.max(leastAim / law.cells.length, aim);
  const next = {
    ...law,
    strikes,
    ceiling,
    windowed: true,
    aim: ceiling,
    changedAtMs: nowMs,
    limitAtMs: nowMs,
    probe: restingProbe(nowMs),
  };
  return { law: promiseBroken(next, seen, nowMs), why: `${facet} limit met` };
}

/** What the window held when the limit was met: on the servers that refused, at that moment. */
function seenAt(law: LawState, refusers: readonly ServerFeedback[], nowMs: number): number {
  const all = mean(law.cells.map(({ spent }) => inFlightOverWindow(spent, nowMs)));
  if (!law.routing.pinned) return all;
  const seen = refusers.flatMap(({ server, refusedAt }) => {
    const cell = law.cells.find((one) => one.server === server);
    const atMs = refusedAt === undefined ? nowMs : Math.min(nowMs, Date.parse(refusedAt));
    return cell === undefined ? [] : [inFlightOverWindow(cell.spent, atMs)];
  });
  return seen.length === 0 ? all : mean(seen);
}

/**
 * What the windows will hold when the waits are over that were told: that is what the limit has become, where most servers say the same. Null where
 * they do not, or lanes go to any.
 */
function toldBy({ cells, routing }: LawState, refusers: readonly ServerFeedback[]): number | null {
  if (!routing.pinned) return null;
  const left = refusers.flatMap(({ server, notBeforeAt }) => {
    const cell = cells.find((one) => one.server === server);
    const isTold = cell !== undefined && notBeforeAt !== undefined;
    return isTold ? [inFlightOverWindow(cell.spent, Date.parse(notBeforeAt))] : [];
  });
  return left.length * 2 > cells.length ? Math.max(...left) : null;
}

/** A limit met where it was expected is a small correction; met far below, it is believed the more the oftener it is met. */
function lowered(law: LawState, ceiling: number, met: { readonly seen: number; readonly isOften: boolean }): number {
  const isPinned = law.routing.pinned;
  const least = isPinned ? finestCut : cut;
  const depth = Math.min(deepestCut, least * 2 ** law.strikes);
  if (met.seen < ceiling * asExpected) return Math.max(met.seen, ceiling * (1 - depth));
  // Where each server is accounted for, one refusal is chance; many mean that somebody else sends as well.
  if (isPinned && met.isOften) return ceiling * (1 - depth);
  const clear = isPinned ? belowMetered : belowSeen;
  return Math.min(ceiling * (1 + least), Math.max(ceiling * (1 - least), met.seen * clear));
}

function calm(law: LawState, heard: Heard, feedback: WaveFeedback, nowMs: number): Stepped {
  const slowWaves = heard.inflation > hindered ? law.slowWaves + 1 : 0;
  const rested = promiseKept({ ...law, slowWaves, ...(feedback.requests > 0 ? { strikes: 0 } : {}) });
  // A few slow requests look like slowness once, hardly twice.
  if (slowWaves > 1 || heard.inflation > surelyHindered) {
    // Others may be why; then going further back would only leave the field to them.
    const least = Math.max(1 / law.cells.length, recommendedPerCell(law) * yieldedAtMost);
    const aim = Math.min(law.aim, Math.max(least, (law.aim * acceptedInflation) / heard.inflation));
    return {
      law: { ...rested, aim, ceiling: aim, changedAtMs: nowMs, probe: restingProbe(nowMs) },
      why: 'more in flight only makes requests slower',
    };
  }
  const level = passedLevel(law, nowMs);
  if (level !== undefined && heard.inflation <= acceptedInflation)
    return { law: passed(rested, level, nowMs), why: 'a server carried more than was thought possible' };
  if (!heard.limited || feedback.requests === 0) return { law: rested, why: null };
  const promised = promisedBy(law, feedback, nowMs);
  const allowed = heard.inflation > acceptedInflation ? null : growthByPromise(law.aim, promised);
  if (allowed !== null && allowed > 1) {
    const aim = law.aim * allowed;
    const evidence = { ...law.evidence, eager: true, promised };
    const grown = { ...rested, aim, ceiling: law.ceiling === null ? null : aim, changedAtMs: nowMs, evidence };
    return { law: grown, why: 'the environment shows room' };
  }
  if (feedback.roomy === true) return { law: promiseBroken(rested, null, nowMs), why: null };
  if (heard.beyondHint === true && growsByProbes(law, nowMs)) return { law: rested, why: null };
  // The limits look back over a window: that all is calm while it is not yet full of the present rate proves nothing.
  const fullest = Math.max(...law.cells.map(({ spent }) => inFlightOverWindow(spent, nowMs)));
  const tested = law.aim * leastTested[law.routing.pinned ? 'pinned' : 'anywhere'];
  if (law.ceiling !== null && fullest < tested) return { law: rested, why: null };
  // One server will seek the ceiling for all, as soon as all are known.
  const willSeekAlone = law.routing.counters === 'perServer' && law.cells.length > 1;
  if (willSeekAlone && !law.routing.pinned) return { law: rested, why: null };
  // What one server carried over the window without a refusal, the others carry too.
  if (law.ceiling === null && willSeekAlone)
    return { law: { ...rested, aim: Math.max(law.aim, fullest * belowSeen) }, why: 'no limit met yet' };
  const seconds = Math.min(feedback.seconds, (nowMs - law.changedAtMs) / 1_000);
  const growth = law.ceiling === null ? exploration(law) * seconds : regrowth(law, feedback.requests, seconds, nowMs);
  const room = heard.inflation > acceptedInflation ? 0 : Math.min(mostGrowthAtOnce, growth);
  const aim = law.aim * (1 + room);
  const why = law.ceiling === null ? 'no limit met yet' : 'regrowth';
  return { law: { ...rested, aim, ceiling: law.ceiling === null ? null : aim, changedAtMs: nowMs }, why };
}

/** Without a hint there is further to go. */
const exploration = ({ hint }: LawState): number => (hint === null ? 2 * exploreGrowth : exploreGrowth);

/** A whole window without a refusal means that there is more than was thought. */
function regrowth(law: LawState, requests: number, seconds: number, nowMs: number): number {
  const most = law.routing.pinned ? (cut * seconds) / secondsToRegrow : Infinity;
  const byRequests = Math.min(most, (cut * requests) / requestsToRegrow);
  // Where the headers tell of more, it is found by them; all servers at once above their limit would be too many refusals.
  if (law.routing.pinned && !isSilent(law, nowMs)) return byRequests;
  if (nowMs - law.limitAtMs <= boldAfterMs) return byRequests;
  // Far below the recommended number there are too few requests to count by.
  const pace = law.routing.pinned ? 'pinned' : 'anywhere';
  const byTime = law.aim < recommendedPerCell(law) * farBelow[pace] ? growthFarBelow[pace] * seconds : 0;
  return Math.max(3 * byRequests, byTime);
}

/** The law for a wave that may use up the window's credit, when all that is left to do fits into it; undefined otherwise. */
export function sprint(law: LawState, workSeconds: number, nowMs: number): LawState | undefined {
  if (law.strikes > 0) return undefined;
  const count = law.cells.length;
  const sustained = Math.min((law.ceiling ?? Infinity) * count, recommended(law));
  const spentSeconds = law.cells.reduce((sum, { spent }) => sum + inFlightOverWindow(spent, nowMs), 0) * windowSeconds;
  const spread = law.routing.pinned ? 'even' : 'byChance';
  const lanes = sprintLanes({ sustained, workSeconds, spentSeconds, spread });
  return lanes === undefined || lanes <= law.aim * count ? undefined : { ...law, aim: lanes / count, windowed: false };
}

const secondsOf = (spent: readonly number[]): number => spent.reduce((sum, seconds) => sum + seconds, 0);

const countOf = (throttles: WaveFeedback['throttles']): number =>
  Object.values(throttles).reduce((sum, count) => sum + count, 0);

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
