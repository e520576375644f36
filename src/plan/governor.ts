import { maxDop } from './bounds.ts';
import { sprint, step } from './control-law.ts';
import { newLaw, recommended, type LawState, type WaveFeedback } from './law-state.ts';
import { probeBoxSeconds, secondsUntilProbe, growsByProbes, withProbe } from './probe.ts';
import { inflationOf, sizeRequests, type RequestFit } from './request-size.ts';
import { mayChoose, scoutEveryMs } from './routing.ts';
import { sum } from './sum.ts';
import { lanesOf, spreadLanes, widthsOf, type Route } from './widths.ts';

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
  /** Lanes of earlier waves that were still out, and are among `lanes` unless there are more of them. */
  readonly carried?: number;
  /** The lanes by server, where they choose theirs. */
  readonly held?: readonly Held[];
}

interface Held {
  readonly server: string | null;
  readonly lanes: number;
}

export interface LeaseRequest {
  readonly runId: string;
  /** Lanes the run could use now, those that are still out included. */
  readonly wanted: number;
  /** Lanes of its earlier waves that are still out; absent: none. */
  readonly carried?: number;
  /** Bound of the connection's settings. */
  readonly maxDop?: number;
  /** Whether the connection's settings let the law go beyond the hint; else the hint is a bound. */
  readonly beyondHint?: boolean;
  /** Whether the connection's settings let lanes choose their servers. */
  readonly affinity?: boolean;
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
  /** Share of its time that a lane may spend sending, 0.1 to 1, on average: the part of the budget that whole lanes cannot express. */
  readonly duty: number;
  /** Where the lanes send; absent: to any server, with nothing asked for. */
  readonly routes?: readonly Route[];
  /** A wait that one server tells binds only what is sent there. */
  readonly independent?: boolean;
  readonly rowsPerRequest: number;
  readonly boxSeconds: number;
  readonly waitSeconds: number;
  /** The environment ordered that wait. */
  readonly ordered?: true;
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
/** Every window is full; they empty by as much as was sent in so many seconds five minutes ago. */
const waitForRoomSeconds = 10;

/** One step: takes a run's wish and what its last wave met, answers with its next grant. */
export function lease(
  state: GovernorState,
  request: LeaseRequest,
  nowMs: number,
): { readonly state: GovernorState; readonly grant: Grant } {
  const own = state.leases[request.runId];
  const { feedback } = request;
  const { why, law: stepped } = hear(state, request, nowMs);
  const mayTry = request.beyondHint === true && request.wanted >= (own?.lanes ?? 0);
  const heard = { why, law: withProbe(stepped, { nowMs, mayTry }) };
  const others = livingLeases(state.leases, request.runId, nowMs);
  const boxSeconds = nextBoxSeconds(own, feedback, heard.law, nowMs);
  const alone = Object.keys(others).length === 0;
  const sprinting = alone ? sprint(heard.law, request.workSeconds ?? Infinity, nowMs) : undefined;
  const law = sprinting ?? heard.law;
  const isScouting = nowMs - law.routing.scoutedAtMs >= scoutEveryMs;
  // A lane that sends once leaves its share of the work to another wave.
  const isLast = sprinting !== undefined || request.wanted < (own?.lanes ?? 0);
  const scouting = isLast ? 'never' : isScouting ? 'now' : 'ifUnsure';
  const exploring = request.beyondHint === true && heard.law.strikes === 0 && sprinting === undefined;
  const widths = widthsOf(law, { boxSeconds, nowMs, scouting, exploring, alone });

  const most = Math.min(boundOf(state, request), sum(widths, lanesOf));
  const free = most - sum(Object.values(others), lanesOut);
  const share = Math.min(fairShare(most, request.wanted, others), request.wanted, free);
  const notBeforeMs = notBeforeOf(state, request, heard.law, nowMs);
  const waitMs = notBeforeMs - nowMs;
  const lanes = waitMs > 0 || widths.length === 0 ? 0 : Math.max(0, share);
  const routes = spreadLanes(widths, lanes, (server) => heldBy(others, server));
  const idleSeconds = widths.length === 0 ? waitForRoomSeconds : waitForOthersSeconds;
  const waitSeconds = lanes > 0 ? 0 : Math.max(Math.ceil(waitMs / 1_000), idleSeconds);
  const heldSeconds = (lanes > 0 ? boxSeconds : waitSeconds) + leaseGraceSeconds;
  const duty = lanes === 0 ? 1 : sum(routes, (route) => route.lanes * route.duty) / lanes;
  const chooses = mayChoose(heard.law, request, nowMs);
  const { wanted, carried = 0 } = request;
  const next: Lease = {
    lanes,
    duty,
    wanted,
    boxSeconds,
    rowsPerRequest: request.rowsPerRequest ?? sizeFor(request.fit, own, { law: heard.law, boxSeconds }),
    untilMs: nowMs + heldSeconds * 1_000,
    ...(carried === 0 ? {} : { carried }),
    ...(chooses ? { held: routes.map((route) => ({ server: route.server, lanes: route.lanes })) } : {}),
  };
  const grant = {
    lanes,
    duty,
    rowsPerRequest: next.rowsPerRequest,
    boxSeconds,
    waitSeconds,
    ...(waitMs > 0 ? { ordered: true as const } : {}),
    ...(chooses ? { routes, independent: heard.law.routing.counters === 'perServer' } : {}),
    why: reasonOf(own, next, sprinting === undefined ? heard.why : 'the rest fits the credit', waitMs),
  };
  const learned = scouting === 'now' && lanes > 0 ? scouted(heard.law, nowMs) : heard.law;
  return { state: { law: learned, notBeforeMs, leases: { ...others, [request.runId]: next } }, grant };
}

/** What a lease keeps from others: also a lane that outlived the wave it was granted for. */
export const lanesOut = ({ lanes, carried = 0 }: Lease): number => Math.max(lanes, carried);

function hear(state: GovernorState, request: LeaseRequest, nowMs: number): ReturnType<typeof step> {
  const { feedback, fit, hint, affinity, beyondHint } = request;
  const own = state.leases[request.runId];
  const limited = own !== undefined && own.lanes < own.wanted && own.lanes < boundOf(state, request);
  const heard = {
    hint,
    feedback,
    inflation: inflationOf(fit),
    limited,
    duty: own?.duty ?? 1,
    beyondHint: beyondHint === true,
  };
  return step(state.law, affinity === undefined ? heard : { ...heard, affinity }, nowMs);
}

/** A wait that was told binds all, unless it is known to be one server's own; with no server to send to, the first one's wait. */
function notBeforeOf(state: GovernorState, { feedback }: LeaseRequest, law: LawState, nowMs: number): number {
  const told = feedback === undefined || feedback.waitMs <= 0 ? 0 : nowMs + feedback.waitMs;
  const first = Math.min(...law.cells.map((cell) => cell.notBeforeMs));
  const isOneServers = law.routing.counters === 'perServer' && law.routing.pinned && feedback?.unplaced !== true;
  return Math.max(state.notBeforeMs, isOneServers ? first : told);
}

/** A short box has no time for long requests: all lanes wait for its slowest. */
const leastBoxForLongRequests = 40;

function sizeFor(
  fit: RequestFit,
  own: Lease | undefined,
  { law, boxSeconds }: { readonly law: LawState; readonly boxSeconds: number },
): number {
  const isEven = law.routing.pinned && boxSeconds >= leastBoxForLongRequests;
  return sizeRequests(fit, own?.rowsPerRequest ?? null, isEven ? 'even' : 'byChance');
}

const scouted = (law: LawState, nowMs: number): LawState => ({
  ...law,
  routing: { ...law.routing, scoutedAtMs: nowMs },
});

const heldBy = (others: Readonly<Record<string, Lease>>, server: string | null): number =>
  sum(
    // Lanes that do not choose their server go to any.
    Object.values(others).flatMap((other) => other.held ?? [{ server: null, lanes: lanesOut(other) }]),
    (one) => (one.server === server ? one.lanes : 0),
  );

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

function nextBoxSeconds(
  own: Lease | undefined,
  feedback: WaveFeedback | undefined,
  law: LawState,
  nowMs: number,
): number {
  if (own === undefined) return firstBoxSeconds;
  if (feedback === undefined) return own.boxSeconds;
  if (law.evidence.eager || !isSettled(law)) return Math.min(firstBoxSeconds * 2, own.boxSeconds * 2);
  // What concerns one server is no reason to stop the others more often: its own lanes end their box.
  const isExploringAlone = law.ceiling === null && (law.cells.length === 1 || law.routing.counters !== 'perServer');
  if (law.routing.pinned && !isExploringAlone)
    return law.strikes > 1
      ? boxSecondsAfterThrottle
      : Math.min(longestBoxSeconds, own.boxSeconds * 2, untilProbe(law, feedback, nowMs));
  if (law.strikes > 1) return boxSecondsAfterThrottle;
  if (law.strikes > 0) return Math.max(boxSecondsAfterThrottle, Math.floor(own.boxSeconds / 2));
  const longest = law.ceiling === null ? exploringBoxSeconds : longestBoxSeconds;
  return Math.min(longest, own.boxSeconds * 2);
}

/** A probe ends its box soon, and does not begin late. */
function untilProbe(law: LawState, feedback: WaveFeedback, nowMs: number): number {
  if (law.probe.server !== null) return probeBoxSeconds;
  if (!growsByProbes(law, nowMs) || feedback.requests === 0) return longestBoxSeconds;
  const seconds = secondsUntilProbe(law, feedback.requests / feedback.seconds, nowMs);
  return Math.max(probeBoxSeconds, Math.round(seconds));
}

/** Where servers are told apart, all of them are found. */
const isSettled = ({ routing, cells }: LawState): boolean =>
  routing.expected === null && (routing.pinned || cells[0]?.server === null);

function reasonOf(own: Lease | undefined, next: Lease, why: string | null, waitMs: number): string | null {
  const same = own?.lanes === next.lanes && own.rowsPerRequest === next.rowsPerRequest && own.duty === next.duty;
  if (same) return null;
  if (waitMs > 0) return why === null ? 'waits as told' : `${why}; waits as told`;
  if (why !== null) return why;
  if (own !== undefined && own.rowsPerRequest !== next.rowsPerRequest) return 'what a request costs';
  return next.lanes === 0 ? 'waits for lanes of other runs' : 'share of the lanes';
}
