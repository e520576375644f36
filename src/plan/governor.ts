import { maxDop } from './bounds.ts';
import { newLaw, recommended, sprint, step, widthOf, type LawState, type WaveFeedback } from './control-law.ts';
import { inflationOf, sizeRequests, type RequestFit } from './request-size.ts';

/**
 * One environment's budget, shared by every run on a connection: who holds how many lanes, and what the control law allows in all. Pure, so
 * that it can be replayed, simulated and proved. Times are milliseconds since the epoch, given by the caller.
 */
export interface GovernorState {
  readonly law: LawState;
  /** Nothing is sent before this moment. */
  readonly notBeforeMs: number;
  readonly leases: Readonly<Record<string, Lease>>;
}

/** What one run holds or waits for. */
export interface Lease {
  /** Lanes in flight until `untilMs`; 0 while the run waits. */
  readonly lanes: number;
  readonly duty: number;
  readonly wanted: number;
  readonly boxSeconds: number;
  readonly rowsPerRequest: number;
  /** After this moment the lease counts as abandoned. */
  readonly untilMs: number;
}

export interface LeaseRequest {
  readonly runId: string;
  /** Lanes the run could use now. */
  readonly wanted: number;
  /** Bound of the connection's settings. */
  readonly maxDop?: number;
  /** Whether the connection's settings let the law go beyond the hint; else the hint is a bound. */
  readonly beyondHint?: boolean;
  /** The latest hint the run has seen. */
  readonly hint?: number;
  /** What the wave before met; absent before the first. */
  readonly feedback?: WaveFeedback;
  /** What the run's requests cost. */
  readonly fit: RequestFit;
  /** Time the service will spend on what is left of the run, in seconds; absent while that is not known. */
  readonly workSeconds?: number;
  /** The spec's own choice; absent leaves it to the governor. */
  readonly rowsPerRequest?: number;
}

/** The governor's answer for one wave. With 0 lanes the run waits `waitSeconds` and asks again. */
export interface Grant {
  readonly lanes: number;
  /** Share of its time that a lane may spend sending, 0.1 to 1: the part of the budget that whole lanes cannot express. */
  readonly duty: number;
  readonly rowsPerRequest: number;
  readonly boxSeconds: number;
  readonly waitSeconds: number;
  /** Why this differs from the run's last grant; null when nothing that matters changed. */
  readonly why: string | null;
}

export const idleGovernor: GovernorState = { law: newLaw, notBeforeMs: 0, leases: {} };

/** Boxes double from the first to the longest while nothing changes: short ones learn fast, long ones waste little. */
export const firstBoxSeconds = 5;
export const longestBoxSeconds = 120;
/** While the ceiling is sought, the lanes change with every wave. */
const exploringBoxSeconds = 60;
/** Long enough for a gate that opens step by step. */
const boxSecondsAfterThrottle = 20;
/** A request may outlive its box by the client's deadline of 150 s; then its lanes are free for others. */
export const leaseGraceSeconds = 180;
/** A run that got no lanes asks again this often; when it stays away for longer than the grace, it no longer counts. */
const waitForOthersSeconds = 2;

/** One step: takes a run's wish and what its last wave met, answers with its next grant. */
export function lease(
  state: GovernorState,
  request: LeaseRequest,
  nowMs: number,
): { readonly state: GovernorState; readonly grant: Grant } {
  const own = state.leases[request.runId];
  const { feedback } = request;
  const inflation = inflationOf(request.fit);
  const bound = boundOf(state, request);
  const limited = own !== undefined && own.lanes < own.wanted && own.lanes < bound;
  const heard = step(state.law, { hint: request.hint, feedback, inflation, limited, duty: own?.duty ?? 1 }, nowMs);
  const ordered = feedback !== undefined && feedback.waitMs > 0 ? nowMs + feedback.waitMs : 0;
  const notBeforeMs = Math.max(state.notBeforeMs, ordered);

  const others = livingLeases(state.leases, request.runId, nowMs);
  const boxSeconds = nextBoxSeconds(own, feedback, heard.law);
  const alone = Object.keys(others).length === 0;
  const sprinting = alone ? sprint(heard.law, request.workSeconds ?? Infinity, nowMs) : undefined;
  const width = widthOf(sprinting ?? heard.law, { maxDop: bound, boxSeconds, nowMs });
  const rowsPerRequest = request.rowsPerRequest ?? sizeRequests(request.fit, own?.rowsPerRequest ?? null);
  const waitMs = notBeforeMs - nowMs;
  const free = width.lanes - Object.values(others).reduce((total, other) => total + other.lanes, 0);
  const share = Math.min(fairShare(width.lanes, request.wanted, others), request.wanted, free);
  const lanes = waitMs > 0 ? 0 : Math.max(0, share);
  const waitSeconds = lanes > 0 ? 0 : Math.max(Math.ceil(waitMs / 1_000), waitForOthersSeconds);
  const heldSeconds = (lanes > 0 ? boxSeconds : waitSeconds) + leaseGraceSeconds;
  const { duty } = width;
  const { wanted } = request;
  const next: Lease = { lanes, duty, wanted, boxSeconds, rowsPerRequest, untilMs: nowMs + heldSeconds * 1_000 };
  const grant = {
    lanes,
    duty,
    rowsPerRequest,
    boxSeconds,
    waitSeconds,
    why: reasonOf(own, next, sprinting === undefined ? heard.why : 'the rest fits the credit', waitMs),
  };
  return { state: { law: heard.law, notBeforeMs, leases: { ...others, [request.runId]: next } }, grant };
}

/** Lanes of all runs together. The environment's own recommendation counts unless the settings say that more may be tried. */
function boundOf({ law }: GovernorState, { maxDop: own = maxDop, hint, beyondHint = false }: LeaseRequest): number {
  return Math.min(maxDop, own, beyondHint ? maxDop : (hint ?? recommended(law)));
}

/** Gives back what a run holds; what was learned of the environment stays. */
export function release(state: GovernorState, runId: string): GovernorState {
  const { [runId]: _released, ...leases } = state.leases;
  return { ...state, leases };
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

function nextBoxSeconds(own: Lease | undefined, feedback: WaveFeedback | undefined, law: LawState): number {
  if (own === undefined) return firstBoxSeconds;
  if (feedback === undefined) return own.boxSeconds;
  if (law.strikes > 1) return boxSecondsAfterThrottle;
  if (law.strikes > 0) return Math.max(boxSecondsAfterThrottle, Math.floor(own.boxSeconds / 2));
  const longest = law.ceiling === null ? exploringBoxSeconds : longestBoxSeconds;
  return Math.min(longest, own.boxSeconds * 2);
}

function reasonOf(own: Lease | undefined, next: Lease, why: string | null, waitMs: number): string | null {
  const same = own?.lanes === next.lanes && own.rowsPerRequest === next.rowsPerRequest && own.duty === next.duty;
  if (same) return null;
  if (waitMs > 0) return why === null ? 'waits as told' : `${why}; waits as told`;
  if (why !== null) return why;
  if (own !== undefined && own.rowsPerRequest !== next.rowsPerRequest) return 'what a request costs';
  return next.lanes === 0 ? 'waits for lanes of other runs' : 'share of the lanes';
}
