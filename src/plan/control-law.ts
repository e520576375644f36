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
  type Stepped,
  type WaveFeedback,
} from './law-state.ts';
import { dueProbe, growsByProbes, passed, passedLevel, restingProbe } from './probe.ts';
import { throttled } from './refusals.ts';
import { judge, mayChoose, meetServers, together } from './routing.ts';
import { addSpent, inFlightOverWindow, paceSeconds, scaleSpent, windowSeconds } from './spent-time.ts';
import { sum, sumOf } from './sum.ts';

/** Growth a second while no limit was ever met: doubles in a hundred seconds, so that the window shows the ceiling once. */
const exploreGrowth = 0.007;
const mostGrowthAtOnce = 0.4;
/** Regained in one step. */
const regained = 0.04;
/** After a cut the same step is taken up again within so many requests: so about one in 350 meets a limit. */
const requestsToRegrow = 350;
/** Where each server is accounted for, meeting its limit again soon would teach nothing. */
const secondsToRegrow = 600;
const boldAfterMs = 330_000;
const bolder = { pinned: 2, anywhere: 3 };
/** Share of the aim that the window must hold before calm allows more. */
const leastTested = { pinned: 0.95, anywhere: 0.85 };
/** Slower than this is no noise; and so much of it is accepted for being sure to use everything. */
const hindered = 1.15;
const surelyHindered = 1.35;
const acceptedInflation = 1.1;
/** One server carried it without a refusal; this keeps clear of its limit. */
const belowSeen = 0.975;
/** Share of the hint that is kept when requests become slower. */
const yieldedAtMost = 0.5;
const farBelow = { pinned: 0.5, anywhere: 0.9 };
const growthFarBelow = { pinned: 0.0008, anywhere: exploreGrowth };
const idleSmoothing = 0.3;

/** Lane seconds that are no rounding. */
const leastRest = 0.1;

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
  const known = sum(law.cells, ({ server }) => sumOf(byServer.get(server ?? '')?.spent ?? []));
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
  const spent = own.spent.reduce((all, laneSeconds, step) => {
    const fromMs = Math.min(wave.toMs - 1, wave.fromMs + step * paceSeconds * 1_000);
    const toMs = Math.min(wave.toMs, fromMs + paceSeconds * 1_000);
    return laneSeconds > 0 ? addSpent(all, { fromMs, toMs, laneSeconds }) : all;
  }, cell.spent);
  return { ...cell, spent, notBeforeMs: Math.max(cell.notBeforeMs, told) };
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
  const isBold = nowMs - law.limitAtMs > boldAfterMs && (!law.routing.pinned || isSilent(law, nowMs));
  const most = law.routing.pinned && !isBold ? (regained * seconds) / secondsToRegrow : Infinity;
  const byRequests = Math.min(most, (regained * requests) / requestsToRegrow);
  // Where the headers tell of more, it is found by them; all servers at once above their limit would be too many refusals.
  if (!isBold) return byRequests;
  // Far below the recommended number there are too few requests to count by.
  const pace = law.routing.pinned ? 'pinned' : 'anywhere';
  const byTime = law.aim < recommendedPerCell(law) * farBelow[pace] ? growthFarBelow[pace] * seconds : 0;
  return Math.max(bolder[pace] * byRequests, byTime);
}

/** The law for a wave that may use up the window's credit, when all that is left to do fits into it; undefined otherwise. */
export function sprint(law: LawState, workSeconds: number, nowMs: number): LawState | undefined {
  if (law.strikes > 0) return undefined;
  const count = law.cells.length;
  const sustained = Math.min((law.ceiling ?? Infinity) * count, recommended(law));
  const spentSeconds = sum(law.cells, ({ spent }) => inFlightOverWindow(spent, nowMs)) * windowSeconds;
  const spread = law.routing.pinned ? 'even' : 'byChance';
  const lanes = sprintLanes({ sustained, workSeconds, spentSeconds, spread });
  return lanes === undefined || lanes <= law.aim * count ? undefined : { ...law, aim: lanes / count, windowed: false };
}
