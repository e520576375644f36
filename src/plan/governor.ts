import type { ThrottleFacet } from './lane.ts';

/**
 * The control law of one environment's budget, shared by every run on a connection: pure, so that it can be replayed, simulated and proved.
 * Times are milliseconds since the epoch, given by the caller.
 */
export interface GovernorState {
  /** The latest degree of parallelism the environment recommended; null before the first answer. */
  readonly hint: number | null;
  /** Lanes allowed after cuts; null while the hint alone decides. */
  readonly cap: number | null;
  /** Nothing is sent before this moment. */
  readonly notBeforeMs: number;
  readonly leases: Readonly<Record<string, Lease>>;
}

/** What one run holds or waits for. */
export interface Lease {
  /** Lanes in flight until `untilMs`; 0 while the run waits. */
  readonly lanes: number;
  readonly wanted: number;
  readonly boxSeconds: number;
  /** After this moment the lease counts as abandoned. */
  readonly untilMs: number;
}

export interface LeaseRequest {
  readonly runId: string;
  /** Lanes the run could use now. */
  readonly wanted: number;
  /** Bound of the connection's settings; absent means the hint alone. */
  readonly maxDop?: number;
  /** The latest hint the run has seen. */
  readonly hint?: number;
  /** What the wave before met; absent before the first. */
  readonly feedback?: WaveFeedback;
}

export interface WaveFeedback {
  /** 429 answers by facet. */
  readonly throttles: Readonly<Partial<Record<ThrottleFacet, number>>>;
  /** Longest wait the environment ordered, in ms from now. */
  readonly waitMs: number;
}

/** The governor's answer for one wave. With 0 lanes the run waits `waitSeconds` and asks again. */
export interface Grant {
  readonly lanes: number;
  readonly boxSeconds: number;
  readonly waitSeconds: number;
}

export const idleGovernor: GovernorState = { hint: null, cap: null, notBeforeMs: 0, leases: {} };

/** Stands in for a missing hint: the smallest value seen on live environments. */
export const fallbackHint = 4;
/** Boxes double from the first to the longest while nothing changes: short ones learn fast, long ones waste little. */
export const firstBoxSeconds = 5;
export const longestBoxSeconds = 60;
/** A request may outlive its box by the client's deadline of 150 s; then its lanes are free for others. */
export const leaseGraceSeconds = 180;
/** A run that got no lanes asks again this often; when it stays away for longer than the grace, it no longer counts. */
const waitForOthersSeconds = 2;
const cutFactor = 0.7;

/** One step of the law: takes a run's wish and what its last wave met, answers with its next grant. */
export function lease(
  state: GovernorState,
  request: LeaseRequest,
  nowMs: number,
): { readonly state: GovernorState; readonly grant: Grant } {
  const own = state.leases[request.runId];
  const heard = hear(state, request, nowMs);
  const others = livingLeases(heard.leases, request.runId, nowMs);
  const allowed = allowedLanes(heard, request.maxDop);
  const boxSeconds = nextBoxSeconds(own, request.feedback);
  const waitMs = heard.notBeforeMs - nowMs;
  const free = allowed - Object.values(others).reduce((total, other) => total + other.lanes, 0);
  const lanes =
    waitMs > 0 ? 0 : Math.max(0, Math.min(fairShare(allowed, request.wanted, others), request.wanted, free));
  const waitSeconds = lanes > 0 ? 0 : Math.max(Math.ceil(waitMs / 1_000), waitForOthersSeconds);
  const heldSeconds = (lanes > 0 ? boxSeconds : waitSeconds) + leaseGraceSeconds;
  const next: Lease = { lanes, wanted: request.wanted, boxSeconds, untilMs: nowMs + heldSeconds * 1_000 };
  return {
    state: { ...heard, leases: { ...others, [request.runId]: next } },
    grant: { lanes, boxSeconds, waitSeconds },
  };
}

/** Gives back what a run holds. */
export function release(state: GovernorState, runId: string): GovernorState {
  const { [runId]: _released, ...leases } = state.leases;
  return { ...state, leases };
}

function hear(state: GovernorState, request: LeaseRequest, nowMs: number): GovernorState {
  const hint = request.hint ?? state.hint;
  const { feedback } = request;
  if (feedback === undefined) return { ...state, hint };
  const ceiling = hint ?? fallbackHint;
  const before = Math.min(state.cap ?? ceiling, ceiling);
  const cap = shouldCut(feedback.throttles) ? Math.max(1, Math.floor(before * cutFactor)) : grown(before, ceiling);
  const notBeforeMs = Math.max(state.notBeforeMs, feedback.waitMs > 0 ? nowMs + feedback.waitMs : 0);
  return { ...state, hint, cap: cap >= ceiling ? null : cap, notBeforeMs };
}

/** Too many requests is a matter of pace, which the ordered wait settles; the other facets say that there are too many lanes. */
function shouldCut(throttles: WaveFeedback['throttles']): boolean {
  return (throttles.concurrency ?? 0) + (throttles.executionTime ?? 0) + (throttles.other ?? 0) > 0;
}

const grown = (lanes: number, ceiling: number): number =>
  Math.min(ceiling, lanes + Math.max(1, Math.floor(ceiling / 16)));

function allowedLanes(state: GovernorState, maxDop: number | undefined): number {
  const ceiling = state.hint ?? fallbackHint;
  return Math.max(1, Math.min(state.cap ?? ceiling, ceiling, maxDop ?? ceiling));
}

function livingLeases(leases: GovernorState['leases'], except: string, nowMs: number): Record<string, Lease> {
  return Object.fromEntries(Object.entries(leases).filter(([runId, held]) => runId !== except && held.untilMs > nowMs));
}

/** Equal shares, where a run that wants less leaves the rest to the others. */
function fairShare(allowed: number, wanted: number, others: Readonly<Record<string, Lease>>): number {
  let left = allowed;
  let waiting = Object.keys(others).length + 1;
  for (const other of Object.values(others).toSorted((one, two) => one.wanted - two.wanted)) {
    const share = Math.floor(left / waiting);
    if (other.wanted >= share || other.wanted >= wanted) break;
    left -= other.wanted;
    waiting -= 1;
  }
  return Math.max(1, Math.floor(left / waiting));
}

function nextBoxSeconds(own: Lease | undefined, feedback: WaveFeedback | undefined): number {
  if (own === undefined || feedback === undefined) return firstBoxSeconds;
  if (shouldCut(feedback.throttles)) return Math.max(firstBoxSeconds, Math.floor(own.boxSeconds / 2));
  return Math.min(longestBoxSeconds, own.boxSeconds * 2);
}
