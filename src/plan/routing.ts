import { countRequests } from './counters.ts';
import {
  anyServer,
  facetOf,
  recommended,
  type Cell,
  type Heard,
  type LawState,
  type Routing,
  type ServerFeedback,
  type WaveFeedback,
} from './law-state.ts';
import { inFlightOverWindow, scaleSpent, sumSpent, windowSeconds } from './spent-time.ts';

/** Documented environments have a handful of servers, fifteen were seen; with more than this lanes go to any. */
export const mostServers = 32;
/** So many lanes per server known, sent anywhere, make it unlikely that one was missed; more where no lane will be spared to look on. */
const drawsPerServer = { lookingOn: 4, bounded: 6 };
const nearEnough = 1.05;
const offMs = 3_600_000;
const windowMs = windowSeconds * 1_000;
/** Requests sent anywhere sustain about this share of what the servers could: the fullest server refuses for all. */
const anywhereSustains = 0.85;
const judgedAfterMs = 2 * windowMs;
export const scoutEveryMs = 600_000;

export const mayChoose = (law: LawState, heard: Pick<Heard, 'affinity'>, nowMs: number): boolean =>
  heard.affinity === true && law.routing.offUntilMs <= nowMs && law.routing.counters !== 'shared';

/** One budget for all servers again. What was learned stays, in sum. */
export function together(law: LawState): LawState {
  if (law.cells.length === 1 && law.cells[0]?.server === null) return law;
  const count = law.cells.length;
  const cell: Cell = {
    ...anyServer,
    spent: sumSpent(law.cells.map(({ spent }) => spent)),
    notBeforeMs: Math.max(...law.cells.map(({ notBeforeMs }) => notBeforeMs)),
  };
  return {
    ...law,
    cells: [cell],
    aim: law.aim * count,
    ceiling: law.ceiling === null ? null : law.ceiling * count,
    cliff: null,
    routing: { ...law.routing, pinned: false, draws: 0, expected: null },
  };
}

interface Moment {
  readonly nowMs: number;
  /** More lanes than recommended may be used. */
  readonly beyondHint: boolean;
}

/** Takes note of servers that were found and of those that are gone. */
export function meetServers(law: LawState, feedback: WaveFeedback, moment: Moment): LawState {
  const { nowMs } = moment;
  const gone = new Set(feedback.gone);
  const kept = law.cells.filter(({ server }) => server === null || !gone.has(server));
  const known = new Set(kept.map(({ server }) => server));
  const found = (feedback.servers ?? []).filter(({ server }) => !known.has(server) && !gone.has(server));
  const counted = countRequests(law, feedback, nowMs);
  const draws = law.routing.draws + (feedback.scouts ?? 0);
  const next = { ...counted, routing: { ...counted.routing, draws } };
  const named = kept.filter(({ server }) => server !== null).length + found.length;
  // Servers that all answer for one another: the cookie keeps no lane where it was.
  const isIgnored = named === 0 && gone.size > 0;
  if (isIgnored || named > mostServers) return { ...together(next), routing: off(next.routing, nowMs) };
  return settle(recount(next, kept, found, nowMs), moment);
}

/** Budgets per cell when the number of cells changes: in sum the same until a limit has shown what one server sustains. */
function recount(law: LawState, kept: readonly Cell[], found: readonly ServerFeedback[], nowMs: number): LawState {
  const servers = kept.filter(({ server }) => server !== null);
  const unnamed = kept.find(({ server }) => server === null);
  if (found.length === 0 && servers.length === law.cells.length) return law;
  const count = servers.length + found.length;
  if (count === 0) return { ...law, cells: [unnamed ?? anyServer] };
  const before = unnamed === undefined ? undefined : scaleSpent(unnamed.spent, 1 / count);
  const cells = [...servers, ...found.map(({ server }) => ({ ...anyServer, server }))].map((cell) =>
    before === undefined ? cell : { ...cell, spent: before },
  );
  const isPerServer = law.routing.pinned && (law.windowed || law.routing.expected !== null);
  const factor = isPerServer ? 1 : (unnamed === undefined ? law.cells.length : 1) / count;
  const ceiling = law.ceiling === null ? null : law.ceiling * factor;
  return { ...law, cells, aim: law.aim * factor, ceiling, routing: { ...law.routing, pinnedAtMs: nowMs } };
}

function settle(law: LawState, { nowMs, beyondHint }: Moment): LawState {
  const { cells, routing } = law;
  const hasServers = cells[0]?.server !== null;
  const { expected } = routing;
  // Whether servers that were known still answer shows in one wave; whether all are known takes some draws.
  const asExpected = expected !== null && expected < cells.length * nearEnough;
  const leastDraws = drawsPerServer[beyondHint ? 'lookingOn' : 'bounded'] * cells.length;
  const settled = hasServers && (routing.draws > leastDraws || asExpected);
  if (!settled || (routing.pinned && expected === null)) return law;
  const factor = expected === null ? 1 : expected / cells.length;
  const moved = Math.abs(factor - 1) > 0.1 ? factor : 1;
  return {
    ...law,
    aim: law.aim * moved,
    ceiling: law.ceiling === null ? null : law.ceiling * moved,
    routing: {
      ...routing,
      pinned: true,
      pinnedAtMs: nowMs,
      expected: null,
      hintPerServer: recommended(law) / cells.length,
    },
  };
}

/** Gives the choice up where it has not proved better than any server. */
export function judge(
  law: LawState,
  heard: Heard,
  nowMs: number,
): { readonly law: LawState; readonly why: string | null } {
  const { routing, cells, ceiling } = law;
  const giveUp = (why: string) => ({ law: { ...together(law), routing: off(law.routing, nowMs) }, why });
  if (routing.counters === 'shared' && cells[0]?.server !== null)
    return { law: together(law), why: 'servers count together: any will do' };
  if (!routing.pinned || cells.length < 2 || ceiling === null) return { law, why: null };
  if (!law.windowed) return giveUp('latency is the limit, which no choice of server mends');
  const tried = nowMs - Math.max(routing.pinnedAtMs, law.limitAtMs) > judgedAfterMs;
  const used = cells.reduce((sum, { spent }) => sum + inFlightOverWindow(spent, nowMs), 0) / cells.length;
  const throttled = heard.feedback !== undefined && facetOf(heard.feedback.throttles) !== undefined;
  if (tried && heard.limited && !throttled && used < ceiling * anywhereSustains && routing.expected === null)
    return giveUp('lanes at their servers used less than lanes anywhere do');
  return { law, why: null };
}

const off = (routing: Routing, nowMs: number): Routing => ({
  ...routing,
  pinned: false,
  draws: 0,
  expected: null,
  offUntilMs: nowMs + offMs,
});
