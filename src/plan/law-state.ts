import type { RateLeft, ThrottleFacet } from './lane.ts';
import { noProbe, type Probe } from './probe.ts';
import { nothingSpent, type Spent } from './spent-time.ts';

/** What has a budget of its own: one web server, or, where requests go to any of them, all together. */
export interface Cell {
  /** The affinity cookie by which the server is asked for; null: whichever server. */
  readonly server: string | null;
  readonly spent: Spent;
  /** Nothing is sent there before this moment. */
  readonly notBeforeMs: number;
}

/**
 * What the control law knows of one environment. It steers `aim`, the average number of requests in flight in a cell, because that, and not
 * the number of lanes, is what the execution-time limit counts; lanes are as many as it takes.
 */
export interface LawState {
  /** The latest degree of parallelism the environment recommended, for all cells together; null before the first answer. */
  readonly hint: number | null;
  readonly cells: readonly Cell[];
  readonly aim: number;
  /** What a cell can sustain, as far as a limit or the latency has shown it; null while neither has. */
  readonly ceiling: number | null;
  /** The ceiling was shown by a limit that looks back over a window. */
  readonly windowed: boolean;
  /** Lanes in a cell at which the concurrency limit was met, and until when that is remembered. */
  readonly cliff: { readonly lanes: number; readonly untilMs: number } | null;
  /** Waves in a row that met a limit. */
  readonly strikes: number;
  /** Waves in a row in which requests were slower than unhindered ones. */
  readonly slowWaves: number;
  /** Time a lane loses to each wave: its start, and at the end the wait for the slowest. */
  readonly idleSeconds: number;
  readonly changedAtMs: number;
  /** When a window limit was last met. */
  readonly limitAtMs: number;
  readonly routing: Routing;
  readonly evidence: Evidence;
  readonly probe: Probe;
}

/** How lanes find their servers, where the connection lets them choose. */
export interface Routing {
  /** The servers are known, and each is dealt its lanes. */
  readonly pinned: boolean;
  readonly pinnedAtMs: number;
  /** Lanes that went wherever they were sent, since servers may have changed. */
  readonly draws: number;
  /** What was recommended for each server when all were known. */
  readonly hintPerServer: number;
  /** How many servers a changed hint speaks of; null when all are found. */
  readonly expected: number | null;
  /** Whether each server counts for itself, as far as the answers have shown. */
  readonly counters: 'unknown' | 'perServer' | 'shared';
  /** Since when, and what has been seen meanwhile that may tell otherwise. */
  readonly countersAtMs: number;
  readonly seen: CountersSeen;
  /** Lanes go to any server until then: choosing has not proved better. */
  readonly offUntilMs: number;
  readonly scoutedAtMs: number;
}

/** What has been seen that tells whether servers count for themselves; forgotten when that is decided, one way or the other. */
export interface CountersSeen {
  /** Requests answered, and by how many the requests left went down meanwhile. */
  readonly requests: number;
  readonly drop: number;
  /** How unevenly the windows of the servers were filled, how much less was left where more had been spent, and how that varied, as squares of seconds. */
  readonly uneven: number;
  readonly less: number;
  readonly varied: number;
  /** Waves in a row in which, when one server refused, all did. */
  readonly refusedTogether: number;
}

/** What the headers for debugging allowed the law to try. They never lower anything and are no ceiling. */
export interface Evidence {
  /** The latest change was allowed by them, so the next answer is wanted soon. */
  readonly eager: boolean;
  /** What they promised when that was last believed. */
  readonly promised: number | null;
  /** They promised what a limit then refused, or nothing came of it. */
  readonly distrustUntilMs: number;
  /** Until then the servers are taken to tell nothing of what is left: nothing else would tell of a higher limit. */
  readonly silentUntilMs: number;
}

/** What one wave of one run met, as its lanes reported it. */
export interface WaveFeedback {
  /** 429 answers by facet. */
  readonly throttles: Readonly<Partial<Record<ThrottleFacet, number>>>;
  /** Longest wait the environment ordered, in ms from the end of the wave. */
  readonly waitMs: number;
  readonly seconds: number;
  readonly lanes: number;
  /** Requests answered, and the time spent on them. */
  readonly requests: number;
  readonly busyMs: number;
  /** By server, where lanes stayed on theirs. */
  readonly servers?: readonly ServerFeedback[];
  /** Lanes that took the server they were given. */
  readonly scouts?: number;
  /** Servers that were asked for and did not answer themselves. */
  readonly gone?: readonly string[];
  /** A wait was told by a server that is not known. */
  readonly unplaced?: true;
  /** Lanes ended because more was left than the grant had reckoned with. */
  readonly roomy?: true;
}

export interface ServerFeedback extends Pick<WaveFeedback, 'throttles' | 'lanes' | 'requests' | 'busyMs'> {
  readonly server: string;
  /** Seconds of sending by the ten seconds of the wave in which the answers came. */
  readonly spent: readonly number[];
  /** ISO times: when it first refused, and before which it wants nothing. */
  readonly refusedAt?: string;
  readonly notBeforeAt?: string;
  /** Of what its lanes were told last, the most and the least. */
  readonly left?: RateLeft & { readonly leastSeconds?: number };
}

export interface Heard {
  readonly hint?: number | undefined;
  readonly feedback?: WaveFeedback | undefined;
  /** How many times slower than unhindered a row was. */
  readonly inflation: number;
  /** The run could have used more lanes than it got. */
  readonly limited: boolean;
  /** Share of their time that its lanes were allowed to send. */
  readonly duty: number;
  /** Lanes may choose their servers. */
  readonly affinity?: boolean;
  /** More than recommended may be tried. */
  readonly beyondHint?: boolean;
}

/** What the law has become. */
export interface Stepped {
  readonly law: LawState;
  /** For people: why the aim changed. */
  readonly why: string | null;
}

/** Stands in for a missing hint: the smallest value seen on live environments. */
export const fallbackHint = 4;

export const anyServer: Cell = { server: null, spent: nothingSpent, notBeforeMs: 0 };

export const nothingSeen: CountersSeen = { requests: 0, drop: 0, uneven: 0, less: 0, varied: 0, refusedTogether: 0 };

const newRouting: Routing = {
  pinned: false,
  pinnedAtMs: 0,
  draws: 0,
  hintPerServer: fallbackHint,
  expected: null,
  counters: 'unknown',
  countersAtMs: 0,
  seen: nothingSeen,
  offUntilMs: 0,
  scoutedAtMs: 0,
};

export const newLaw: LawState = {
  hint: null,
  cells: [anyServer],
  aim: fallbackHint,
  ceiling: null,
  windowed: false,
  cliff: null,
  strikes: 0,
  slowWaves: 0,
  idleSeconds: 0,
  changedAtMs: 0,
  limitAtMs: 0,
  routing: newRouting,
  evidence: { eager: false, promised: null, distrustUntilMs: 0, silentUntilMs: 0 },
  probe: noProbe,
};

/** Servers the environment is taken to have; 1 where requests go to any. */
export const cellCount = ({ cells, routing }: LawState): number => routing.expected ?? cells.length;

/** What the environment recommends in all, as far as it does. */
export const recommended = (law: LawState): number => law.hint ?? fallbackHint;

export const recommendedPerCell = (law: LawState): number => recommended(law) / cellCount(law);

/** The facet that asks for the strongest answer. */
export function facetOf(throttles: WaveFeedback['throttles']): ThrottleFacet | undefined {
  return (['concurrency', 'executionTime', 'other', 'requests'] as const).find((facet) => (throttles[facet] ?? 0) > 0);
}
