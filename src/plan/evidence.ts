import type { Cell, Evidence, LawState, WaveFeedback } from './law-state.ts';
import { paceSeconds, spentBetween, windowSeconds } from './spent-time.ts';

/** A limit met at less than this share of what the headers promised was none they know of. */
const kept = 0.8;
const distrustMs = 600_000;
/** What the law tries of what they promise, and how much more at once. */
const believed = 0.92;
const mostAtOnce = 0.6;
/** Times what we have sent, and requests, that the requests left may go down by. */
const believableUse = 3;
const believableMore = 200;
/** So many answers without the headers say that there are none. */
const leastToBeSilent = 20;
/** Headers that come and go are as if there were none. */
const silentMs = 600_000;
/** Less more than this is not worth a try: the windows move by as much. */
const worthATry = 1.12;

/**
 * What the `x-ms-ratelimit-*` headers let one hope for: what was spent in the window and what is left, as an average in flight. They are
 * documented for debugging, jump from server to server and may be missing, so that they give permission to look for more, faster than by
 * slow growth, and nothing else: no ceiling is set by them and nothing is lowered.
 */
export function promisedBy(law: LawState, feedback: WaveFeedback, nowMs: number): number | null {
  if (law.evidence.distrustUntilMs > nowMs) return null;
  const promises = (feedback.servers ?? []).flatMap(({ server, left, throttles }) => {
    const cell = law.cells.find((one) => one.server === server);
    if (cell === undefined || left === undefined) return [];
    if (feedback.roomy !== true && Object.keys(throttles).length > 0) return [];
    const spent = spentBetween(cell.spent, nowMs - windowSeconds * 1_000, nowMs);
    return [(spent + left.seconds) / windowSeconds];
  });
  const ordered = promises.toSorted((one, two) => one - two);
  // Lanes that ended their box for it have heard of it; most others have not yet.
  return (feedback.roomy === true ? ordered.at(-1) : ordered[Math.floor((ordered.length - 1) / 2)]) ?? null;
}

/** The factor by which the aim may grow at once; null when the headers speak for no such thing. */
export function growthByPromise(aim: number, promised: number | null): number | null {
  if (promised === null || promised < aim * worthATry) return null;
  return Math.min(1 + mostAtOnce, Math.max(1, (promised * believed) / aim));
}

/**
 * Headers that cannot be true are as if there were none: the requests left on a server go down by no more than all that was answered, by it or by any, and
 * by what others of the same identity send.
 */
export function withoutNonsense(feedback: WaveFeedback): WaveFeedback {
  const most = feedback.requests * believableUse + believableMore;
  const isNonsense = feedback.servers?.some(
    ({ left }) => left !== undefined && left.firstRequests - left.lastRequests > most,
  );
  if (isNonsense !== true) return feedback;
  return { ...feedback, servers: feedback.servers?.map(({ left: _left, ...rest }) => rest) ?? [] };
}

/** Servers answered, and most of them told nothing of what is left. */
export function hearSilence(evidence: Evidence, { servers = [] }: WaveFeedback, nowMs: number): Evidence {
  const silent = servers.filter(({ left }) => left === undefined);
  const answers = silent.reduce((sum, { requests }) => sum + requests, 0);
  const isHeard = answers >= leastToBeSilent && silent.length * 2 > servers.length;
  return isHeard ? { ...evidence, silentUntilMs: nowMs + silentMs } : evidence;
}

export const isSilent = ({ evidence }: LawState, nowMs: number): boolean => evidence.silentUntilMs > nowMs;

export const promiseKept = (law: LawState): LawState => ({ ...law, evidence: { ...law.evidence, eager: false } });

/** Nothing came of what made the lanes end their box, or a limit was met far below. */
export function promiseBroken(law: LawState, seen: number | null, nowMs: number): LawState {
  const { promised } = law.evidence;
  const isBroken = seen === null || (promised !== null && seen < promised * kept);
  const distrustUntilMs = isBroken ? nowMs + distrustMs : law.evidence.distrustUntilMs;
  return { ...law, evidence: { ...law.evidence, eager: false, promised: isBroken ? null : promised, distrustUntilMs } };
}

/** More left on a server than this, at any moment of a box, was not reckoned with; undefined where nothing is known. */
export function mostLeftSeconds(
  law: LawState,
  cell: Cell,
  box: { readonly nowMs: number; readonly boxSeconds: number; readonly inFlight: number },
): number | undefined {
  const isHeard = law.evidence.distrustUntilMs <= box.nowMs && !isSilent(law, box.nowMs);
  if (!law.windowed || law.ceiling === null || !isHeard) return undefined;
  const allowed = law.ceiling * windowSeconds;
  let least = allowed;
  for (let seconds = 0; seconds <= box.boxSeconds; seconds += paceSeconds) {
    const fromMs = box.nowMs - (windowSeconds - seconds) * 1_000;
    least = Math.min(least, spentBetween(cell.spent, fromMs, box.nowMs) + box.inFlight * seconds);
  }
  return Math.round(allowed * (worthATry + surprise) - least);
}

/** Beyond what would be worth a try, so that a box rarely ends for nothing. */
const surprise = 0.08;
