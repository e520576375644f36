import type { LaneReport, RateLeft, ThrottleFacet } from './lane.ts';
import type { ServerFeedback, WaveFeedback } from './law-state.ts';
import { mostServers } from './routing.ts';
import { sum } from './sum.ts';

/** Folds the reports of a wave's lanes into what the governor hears of it. */
export function feedbackOf(
  reports: readonly LaneReport[],
  wave: Pick<WaveFeedback, 'seconds' | 'lanes'>,
): WaveFeedback {
  return { ...wave, ...whatMet(reports), ...whereMet(reports) };
}

type Met = Pick<WaveFeedback, 'throttles' | 'waitMs' | 'requests' | 'busyMs'>;

function whatMet(reports: readonly LaneReport[]): Met {
  return {
    throttles: addThrottles(reports.map(({ throttles }) => throttles)),
    waitMs: reports.reduce((longest, report) => Math.max(longest, report.waitMs), 0),
    requests: sum(reports, (report) => report.requests),
    busyMs: sum(reports, (report) => report.busyMs),
  };
}

function addThrottles(all: readonly Met['throttles'][]): Met['throttles'] {
  const added: Partial<Record<ThrottleFacet, number>> = {};
  for (const throttles of all) {
    for (const facet of ['requests', 'executionTime', 'concurrency', 'other'] as const) {
      const count = throttles[facet];
      if (count !== undefined) added[facet] = (added[facet] ?? 0) + count;
    }
  }
  return added;
}

/** What is untold of a wave, with the refusals that were heard of since. */
export function withRefusals(untold: WaveFeedback, since: WaveFeedback): WaveFeedback {
  const refusing = new Map(
    (since.servers ?? []).filter(({ notBeforeAt }) => notBeforeAt !== undefined).map((one) => [one.server, one]),
  );
  const known = (untold.servers ?? []).map((one) => {
    const { refusedAt, notBeforeAt, throttles = {} } = refusing.get(one.server) ?? {};
    refusing.delete(one.server);
    if (notBeforeAt === undefined) return one;
    return {
      ...one,
      throttles: addThrottles([one.throttles, throttles]),
      notBeforeAt: [one.notBeforeAt ?? notBeforeAt, notBeforeAt].toSorted().at(-1) ?? notBeforeAt,
      ...(one.refusedAt !== undefined || refusedAt === undefined ? {} : { refusedAt }),
    };
  });
  const servers = [...known, ...refusing.values()].slice(0, mostNamed);
  return {
    ...untold,
    throttles: addThrottles([untold.throttles, since.throttles]),
    waitMs: Math.max(untold.waitMs, since.waitMs),
    ...(servers.length === 0 ? {} : { servers }),
    ...(since.unplaced === true ? { unplaced: true } : {}),
  };
}

/** It travels with the run's state. That there are more servers than can be kept, one too many tells. */
const mostNamed = mostServers + 1;

/** By server, where lanes stayed on theirs. */
function whereMet(reports: readonly LaneReport[]): Partial<WaveFeedback> {
  const placed = reports.filter((report) => report.at !== undefined);
  if (placed.length === 0) return {};
  const byServer = new Map<string | null, LaneReport[]>();
  for (const report of placed) {
    const server = report.at?.server ?? null;
    byServer.set(server, [...(byServer.get(server) ?? []), report]);
  }
  const servers = [...byServer].flatMap(([server, lanes]): ServerFeedback[] => {
    if (server === null) return [];
    const left = leftOf(lanes.flatMap(({ at }) => at?.left ?? []));
    const { waitMs: _waitMs, ...met } = whatMet(lanes);
    return [
      {
        server,
        lanes: lanes.length,
        ...met,
        spent: sumSteps(lanes.flatMap(({ at }) => (at === undefined ? [] : [at.spent]))),
        ...(left === undefined ? {} : { left }),
        ...timesOf(lanes),
      },
    ];
  });
  const gone = [...new Set(placed.flatMap(({ at }) => at?.gone ?? []))].slice(0, mostNamed);
  const isUnplaced = (byServer.get(null) ?? []).some(({ waitMs, requests }) => waitMs > 0 && requests > 0);
  return {
    servers: servers.slice(0, mostNamed),
    scouts: placed.filter(({ at }) => at?.scout === true && at.server !== null).length,
    ...(gone.length === 0 ? {} : { gone }),
    ...(isUnplaced ? { unplaced: true } : {}),
    ...(placed.some(({ at }) => at?.roomy === true) ? { roomy: true } : {}),
  };
}

function sumSteps(all: readonly (readonly number[])[]): readonly number[] {
  const steps = Math.max(0, ...all.map((spent) => spent.length));
  return Array.from({ length: steps }, (_, step) => Math.round(sum(all, (spent) => spent[step] ?? 0) * 100) / 100);
}

function timesOf(lanes: readonly LaneReport[]): Partial<ServerFeedback> {
  const times = (name: 'refusedAt' | 'notBeforeAt'): readonly string[] =>
    lanes.flatMap(({ at }) => at?.[name] ?? []).toSorted();
  const [refusedAt] = times('refusedAt');
  const notBeforeAt = times('notBeforeAt').at(-1);
  return {
    ...(refusedAt === undefined ? {} : { refusedAt }),
    ...(notBeforeAt === undefined ? {} : { notBeforeAt }),
  };
}

/** The lanes of a server hear of one budget: the first of them heard the most, the last of them the least. */
function leftOf(told: readonly RateLeft[]): ServerFeedback['left'] {
  if (told.length === 0) return undefined;
  return {
    firstRequests: Math.max(...told.map(({ firstRequests }) => firstRequests)),
    lastRequests: Math.min(...told.map(({ lastRequests }) => lastRequests)),
    // What was told last is not known; the larger one is told sooner where sending uses it up, and later where there is more of a sudden.
    seconds: Math.max(...told.map(({ seconds }) => seconds)),
    leastSeconds: Math.min(...told.map(({ seconds }) => seconds)),
  };
}
