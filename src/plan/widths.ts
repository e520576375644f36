import { mostLeftSeconds } from './evidence.ts';
import { cellCount, type Cell, type LawState } from './law-state.ts';
import { probeLevel } from './probe.ts';
import { paceFor, paceSeconds, roomFor } from './spent-time.ts';

/** What may be in flight in one cell. */
export interface Width {
  readonly server: string | null;
  /** Average in flight. */
  readonly inFlight: number;
  /** Seconds of sending that all its lanes may have spent by the end of each ten seconds; absent: evenly. */
  readonly pace?: readonly number[];
  readonly leftSeconds?: number;
  /** So many lanes that send once, to see where they are sent. */
  readonly scouts?: number;
}

/** Lanes of one wave for one server, or, with null, for whichever server they are given. */
export interface Route {
  readonly server: string | null;
  readonly lanes: number;
  /** Share of its time that each lane may spend sending. */
  readonly duty: number;
  /** Seconds that each lane may have spent sending by the end of each ten seconds; absent: its duty, evenly. */
  readonly pace?: readonly number[];
  /** More left on the server than this, in seconds of execution time, was not reckoned with. */
  readonly leftSeconds?: number;
  /** Each lane ends its box after one request. */
  readonly once?: true;
}

/** The bounds of a cell's room, as shares of the aim. */
const leastOfAim = 0.2;
const mostOfAim = 1.2;
/**
 * How much faster than its ceiling a server may be sent what the last box left: less where it is the only one, and beside other runs, whose sending is
 * heard of late.
 */
const catchUp = { careful: 1.25, alone: 1.4 };
/** The same where a probe has shown that there is much more. */
const followUp = 2;
/** Share of the ceiling that plans use: lanes spend faster at the start of a box than at its end. */
const keptFree = { even: 0.97, paced: 0.985 };
/** Less than this in flight on a server among many is not worth a lane. */
const leastWorth = 0.15;
/** At most so many more lanes make up for the time that is lost between waves. */
const mostIdleShare = 0.3;
const scoutInFlight = 0.1;
const sureDraws = 8;
/** In flight on the one server that seeks the ceiling for all: the documented limit shows within two minutes. */
const leaderInFlight = 7;
const leaderFactor = 4;
/** A hundredth of a lane is not worth a lane. */
const leastFraction = 0.01;

interface Moment {
  readonly nowMs: number;
  readonly boxSeconds: number;
  /** Whether lanes look for new servers: where the number found is not sure yet, or in any case. */
  readonly scouting: 'never' | 'ifUnsure' | 'now';
  /** More than recommended may be tried. */
  readonly exploring: boolean;
  /** No other run holds lanes. */
  readonly alone: boolean;
}

/** How much each server may be sent in a wave, over all runs. */
export function widthsOf(law: LawState, moment: Moment): readonly Width[] {
  const { routing, cells } = law;
  if (!routing.pinned) {
    const inFlight = cells.reduce((sum, cell) => sum + evenWidth(law, cell, moment), 0);
    return [{ server: null, inFlight }];
  }
  const [only] = cells;
  // The lanes of the only server known go where they are sent: so another one is found.
  if (cells.length === 1 && only !== undefined && routing.expected === null)
    return [{ ...widthOf(law, only, moment), server: null }];
  // Of servers that may be gone only some lanes find out.
  const share = Math.min(1, (routing.expected ?? cells.length) / cells.length);
  const widths = cells
    .map((cell) => widthOf(law, cell, moment, share))
    .filter(({ inFlight }) => inFlight >= leastWorth);
  const missing = Math.max(0, cellCount(law) - cells.length) * law.aim;
  if (missing > 0) return [...widths, { server: null, inFlight: missing }];
  const scouts = scoutsOf(law, moment);
  return scouts > 0 ? [...widths, { server: null, inFlight: scouts * scoutInFlight, scouts }] : widths;
}

/** Lanes that only look where they are sent: some until it is all but certain that every server is known, and then one now and again. */
function scoutsOf({ cells, routing }: LawState, { scouting, nowMs }: Moment): number {
  // They might fall on a server that has told everybody to wait.
  if (scouting === 'never' || cells.some(({ notBeforeMs }) => notBeforeMs > nowMs)) return 0;
  if (routing.draws < sureDraws * (cells.length + 1)) return Math.ceil(cells.length / 2);
  return scouting === 'now' ? 1 : 0;
}

/** Lanes lose time to each wave, at its start and while they wait for the slowest; others make up for it. */
const madeUp = (law: LawState, { boxSeconds }: Moment): number =>
  1 + Math.min(mostIdleShare, law.idleSeconds / boxSeconds);

const cliffAt = (law: LawState, { nowMs }: Moment): number =>
  law.cliff !== null && law.cliff.untilMs > nowMs ? law.cliff.lanes : Infinity;

/** The aim, less what the window still holds of busier times, or somewhat more where it has room left. */
function evenWidth(law: LawState, cell: Cell, moment: Moment): number {
  const { nowMs, boxSeconds } = moment;
  if (cell.notBeforeMs > nowMs) return 0;
  const seconds = boxSeconds + law.idleSeconds;
  const room = law.windowed ? roomFor(cell.spent, law.aim * keptFree.even, { nowMs, seconds }) : law.aim;
  const inFlight = Math.max(law.aim * leastOfAim, Math.min(law.aim * mostOfAim, room));
  return Math.min(inFlight * madeUp(law, moment), cliffAt(law, moment));
}

/** A known server is paced by what leaves its window, and kept at an even rate: whatever is uneven comes back with the window. */
function widthOf(law: LawState, cell: Cell, moment: Moment, share = 1): Width {
  const { server, notBeforeMs } = cell;
  const { nowMs, boxSeconds } = moment;
  const made = madeUp(law, moment);
  const aim = Math.min(law.aim * made * share, cliffAt(law, moment));
  if (!law.windowed) {
    if (notBeforeMs > nowMs) return { server, inFlight: 0 };
    const leads = moment.exploring && cell === leaderOf(law);
    return { server, inFlight: leads ? Math.min(leaderAim(law) * made, cliffAt(law, moment)) : aim };
  }
  const isProbe = server !== null && server === law.probe.server;
  const level = isProbe
    ? probeLevel(law)
    : {
        allowed: law.aim * keptFree.paced,
        most:
          aim * (law.probe.steps > 0 ? followUp : catchUp[moment.alone && law.cells.length > 1 ? 'alone' : 'careful']),
      };
  const limit = isProbe ? level.allowed : law.aim;
  const most = Math.min(level.most, cliffAt(law, moment));
  const plan = { allowed: level.allowed, limit, most, nowMs, seconds: boxSeconds, notBeforeMs };
  const pace = paceFor(cell.spent, plan);
  const inFlight = (pace.at(-1) ?? 0) / (pace.length * paceSeconds);
  const leftSeconds = mostLeftSeconds(law, cell, { nowMs, boxSeconds, inFlight });
  return { server, inFlight, pace, ...(leftSeconds === undefined ? {} : { leftSeconds }) };
}

/** Where several servers count for themselves, one of them finds out what each sustains; undefined when that is known. */
function leaderOf({ cells, ceiling, routing }: LawState): Cell | undefined {
  if (
    !routing.pinned ||
    routing.counters !== 'perServer' ||
    cells.length < 2 ||
    ceiling !== null ||
    routing.expected !== null
  )
    return undefined;
  const spent = cells.map((cell) => cell.spent.seconds.reduce((sum, seconds) => sum + seconds, 0));
  return cells[spent.indexOf(Math.max(...spent))];
}

const leaderAim = ({ aim }: LawState): number => Math.max(aim, Math.min(aim * leaderFactor, leaderInFlight));

/** Lanes enough for the busiest ten seconds. */
export function lanesOf({ inFlight, pace, scouts }: Width): number {
  if (scouts !== undefined) return scouts;
  const steps = (pace ?? []).map((seconds, at) => (seconds - (pace?.[at - 1] ?? 0)) / paceSeconds);
  return Math.max(1, Math.ceil(Math.max(inFlight, ...steps) - leastFraction));
}

/** Spreads so many lanes over the servers, each in proportion to what it may be sent beside what others send there. */
export function spreadLanes(
  widths: readonly Width[],
  lanes: number,
  heldAt: (server: string | null) => number,
): readonly Route[] {
  const given = widths.map((width) => ({ width, held: heldAt(width.server), lanes: 0 }));
  for (let lane = 0; lane < lanes; lane += 1) {
    const open = given.filter((one) => one.held + one.lanes < lanesOf(one.width));
    const next = (open.length > 0 ? open : given).reduce((least, one) => (load(one) < load(least) ? one : least));
    next.lanes += 1;
  }
  return given
    .filter((one) => one.lanes > 0)
    .map(({ width, held, lanes: own }) => ({
      server: width.server,
      lanes: own,
      duty: Math.min(1, Math.max(0.1, width.inFlight / (held + own))),
      ...(width.pace === undefined ? {} : { pace: width.pace.map((seconds) => round(seconds / (held + own))) }),
      ...(width.leftSeconds === undefined ? {} : { leftSeconds: width.leftSeconds }),
      ...(width.scouts === undefined ? {} : { once: true as const }),
    }));
}

const load = (one: { readonly width: Width; readonly held: number; readonly lanes: number }): number =>
  (one.held + one.lanes + 1) / Math.max(leastWorth, one.width.inFlight);

/** What each lane of a wave is to do, so dealt that the first few are spread as evenly as all. */
export function laneRoutes(routes: readonly Route[]): readonly Omit<Route, 'lanes'>[] {
  const dealt = routes.flatMap(({ lanes, ...route }) =>
    Array.from({ length: lanes }, (_, at) => ({ route, turn: (at + 0.5) / lanes })),
  );
  return dealt.toSorted((one, two) => one.turn - two.turn).map(({ route }) => route);
}

const round = (seconds: number): number => Math.round(seconds * 100) / 100;
