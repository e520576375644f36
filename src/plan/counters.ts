import {
  facetOf,
  nothingSeen,
  type CountersSeen,
  type LawState,
  type Routing,
  type ServerFeedback,
  type WaveFeedback,
} from './law-state.ts';
import { spentBetween, spentSince, windowSeconds } from './spent-time.ts';
import { mean } from './sum.ts';

/** Requests that tell whether servers count for themselves, and what they have to show. */
const leastCounted = 12;
const ownCounters = 1.4;
const sharedCounters = 1.7;
/** Seconds by which windows have to differ for what is left on the servers to tell anything; seconds left that are no mere rest. */
const leastUneven = 40;
const leastLeft = 1;
const keptSeen = 0.7;
/** Share of the difference in what was spent that has to show in what is left: where servers count for themselves it is all, else nothing. */
const surelyOwn = 0.7;
const surelyShared = 0.3;
/** A wait in which other servers were tried; so long after a refusal, what was on its way has been answered. */
const triedSeconds = 20;
const mostRefusedTogether = 3;
/** That servers count together is doubted after so long, since nothing is heard of single servers any more that could tell otherwise. */
const believedMs = 1_800_000;
const windowMs = windowSeconds * 1_000;

/** Nothing is believed for ever. */
export function doubted(law: LawState, nowMs: number): LawState {
  const { counters, countersAtMs } = law.routing;
  return counters === 'shared' && nowMs - countersAtMs > believedMs ? decided(law, 'unknown', nowMs) : law;
}

const decided = (law: LawState, counters: Routing['counters'], nowMs: number): LawState => ({
  ...law,
  routing: { ...law.routing, counters, countersAtMs: nowMs, seen: nothingSeen },
});

/**
 * In the first minutes: where servers count for themselves the requests left on each go down by what it answered, else by what all of them answered. Only
 * while nothing leaves the window, which would hide it.
 */
export function countRequests(law: LawState, feedback: WaveFeedback, nowMs: number): LawState {
  const { counters, seen } = law.routing;
  const servers = toldServers(feedback);
  const isClean = law.cells.every(({ spent }) => spentSince(spent) > nowMs - windowMs);
  if (counters !== 'unknown' || servers.length < 2 || !isClean) return law;
  const requests = seen.requests + servers.reduce((sum, one) => sum + Math.max(0, one.requests - one.lanes), 0);
  const drop =
    seen.drop + servers.reduce((sum, { left }) => sum + Math.max(0, left.firstRequests - left.lastRequests), 0);
  const ratio = drop / Math.max(1, requests);
  if (requests >= leastCounted && ratio >= 0.5 && ratio < ownCounters) return decided(law, 'perServer', nowMs);
  if (requests >= leastCounted && ratio > sharedCounters) return decided(law, 'shared', nowMs);
  return { ...law, routing: { ...law.routing, seen: { ...seen, requests, drop } } };
}

const toldServers = ({ servers = [] }: WaveFeedback) =>
  servers.flatMap(({ left, ...rest }) => (left === undefined ? [] : [{ ...rest, left }]));

/** Later on: whether less is left where more was spent, and whether servers refuse together. */
export function weighCounters(law: LawState, feedback: WaveFeedback, nowMs: number): LawState {
  if (!law.routing.pinned || law.cells.length < 2) return law;
  const seen = { ...weighed(law, feedback, nowMs), refusedTogether: refusedTogether(law, feedback) };
  const { counters } = law.routing;
  const own = seen.less / Math.max(1, seen.uneven);
  const spread = seen.varied / Math.max(1, seen.uneven);
  const isShared = seen.uneven > 0 && own < surelyShared && spread < surelyShared;
  if (counters === 'unknown' && own > surelyOwn && spread < 1 / surelyOwn ** 2) return decided(law, 'perServer', nowMs);
  if (counters === 'unknown' && isShared) return decided(law, 'shared', nowMs);
  const isContradicted = isShared || seen.refusedTogether >= mostRefusedTogether;
  if (counters === 'perServer' && isContradicted) return decided(law, 'unknown', nowMs);
  return { ...law, routing: { ...law.routing, seen } };
}

function weighed({ cells, routing }: LawState, feedback: WaveFeedback, nowMs: number): CountersSeen {
  const { seen } = routing;
  const points = toldServers(feedback).flatMap(({ server, left }) => {
    const cell = cells.find((one) => one.server === server);
    if (cell === undefined || left.seconds < leastLeft) return [];
    const spent = spentBetween(cell.spent, nowMs - windowMs, nowMs);
    const beganMs = nowMs - feedback.seconds * 1_000;
    const isFilling = spent > spentBetween(cell.spent, beganMs - windowMs, beganMs);
    // Of what a wave was told the latest counts.
    return [{ spent, left: isFilling ? (left.leastSeconds ?? left.seconds) : left.seconds }];
  });
  const spent = mean(points.map((point) => point.spent));
  const left = mean(points.map((point) => point.left));
  const sum = (value: (point: (typeof points)[number]) => number): number =>
    points.reduce((total, point) => total + value(point), 0);
  const uneven = sum((point) => (point.spent - spent) ** 2);
  if (points.length < 2 || uneven < points.length * leastUneven ** 2) return seen;
  return {
    ...seen,
    uneven: seen.uneven * keptSeen + uneven,
    less: seen.less * keptSeen - sum((point) => (point.spent - spent) * (point.left - left)),
    varied: seen.varied * keptSeen + sum((point) => (point.left - left) ** 2),
  };
}

/** When one server refuses for long, others that count for themselves go on. */
function refusedTogether({ routing, cells }: LawState, { servers = [], seconds }: WaveFeedback): number {
  const before = routing.seen.refusedTogether;
  const times = servers.map((one) => ({ ...timesOf(one), isRefused: facetOf(one.throttles) !== undefined }));
  const refused = times.filter(({ isRefused }) => isRefused);
  const first = refused.toSorted((one, two) => one.refusedMs - two.refusedMs)[0];
  if (first === undefined || first.untilMs - first.refusedMs < triedSeconds * 1_000) return before;
  const soonMs = first.refusedMs + triedSeconds * 1_000;
  if (refused.length === cells.length)
    return refused.every(({ refusedMs }) => refusedMs < soonMs) ? before + 1 : before;
  return seconds > triedSeconds ? 0 : before;
}

const timesOf = ({ refusedAt, notBeforeAt }: ServerFeedback) => ({
  refusedMs: refusedAt === undefined ? Infinity : Date.parse(refusedAt),
  untilMs: notBeforeAt === undefined ? 0 : Date.parse(notBeforeAt),
});
