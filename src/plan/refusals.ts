import {
  facetOf,
  recommendedPerCell,
  type LawState,
  type ServerFeedback,
  type Stepped,
  type WaveFeedback,
} from './law-state.ts';
import { throttlesIn, type ThrottleFacet } from './lane.ts';
import { promiseBroken } from './evidence.ts';
import { restingProbe } from './probe.ts';
import { inFlightOverWindow } from './spent-time.ts';
import { mean, sum } from './sum.ts';

/** Below the ceiling that a limit has shown; and again for each further wave that meets it. */
const cut = 0.04;
/** Where each server is accounted for. */
const finestCut = 0.02;
const deepestCut = 0.12;
/** Refusals in one wave that are no chance any more. */
const oftenAtLeast = 3;
const oftenPerCell = 0.75;
const cliffMemoryMs = 600_000;
const concurrencyCut = 0.8;
const leastAim = 0.5;
/** The limit was met at what was seen; this keeps clear of it. */
const belowSeen = 0.975;
const belowMetered = 0.99;
/** Waits that end when the window holds less than this share of the ceiling tell of a lower limit; it is believed down to the second one. */
const surelyLower = 0.93;
const lowestAtOnce = 0.7;
/** Share of the ceiling above which meeting a limit is no surprise. */
const asExpected = 0.9;
/** Share of the hint that is kept when a limit is met early. */
const usedByOthers = 0.4;

/** One cut for a wave that met a limit, however many answers said so. */
export function throttled(law: LawState, facet: ThrottleFacet, feedback: WaveFeedback, nowMs: number): Stepped {
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
  const refusals = sum(refusers, (one) => throttlesIn(one.throttles));
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
