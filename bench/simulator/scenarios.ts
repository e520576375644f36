import { profiles } from 'dataverse-emulator';
import type { Environment } from './world.ts';

export interface Change {
  readonly atSeconds: number;
  readonly patch: Partial<Environment>;
}

export interface Foreign {
  readonly user: 'us' | 'them';
  readonly inFlight: number;
  readonly fromSeconds: number;
}

/** An environment and what happens to it while a run is under way. */
export interface Scenario {
  readonly name: string;
  /** What is unlike the profile, in a few words. */
  readonly note: string;
  readonly environment: Environment;
  readonly changes: readonly Change[];
  readonly foreign: readonly Foreign[];
}

export function environmentOf(profile: string): Environment {
  const settings = profiles.get(profile);
  if (settings === undefined) throw new Error(`The emulator has no profile ${profile}.`);
  const { servers, hint, limits, latency } = settings;
  return {
    name: profile,
    servers,
    hint: Number(hint),
    limits,
    latency,
    work: 'upsert',
    badShare: 0,
    rateHeaders: 'told',
  };
}

const plain = (name: string, note: string, profile = name, patch: Partial<Environment> = {}): Scenario => ({
  name,
  note,
  environment: { ...environmentOf(profile), ...patch },
  changes: [],
  foreign: [],
});

const documented = environmentOf('documented-4').limits;

/** The emulator's profiles. `fast` is left out: without limits and latency it has no physical maximum. */
export const profileScenarios: readonly Scenario[] = [
  plain('documented-1', 'one server, hint 4'),
  plain('documented-4', 'four servers, hint 16'),
  plain('documented-12', 'twelve servers, hint 48'),
  plain('trial', 'one server, hint 4'),
  plain('ppds-dev', 'three servers, hint 5'),
  plain('shared-gateway', '15 servers that count together, no time limit, knee at 20, hint 8'),
  plain('silent-queue', 'four servers, 40 writes at once, the rest wait in line'),
  plain('elastic', 'eight servers, rows ten times cheaper'),
];

/** Environments unlike any profile. */
export const oddScenarios: readonly Scenario[] = [
  plain('higher limits', 'twice the documented execution time and 8,000 requests', 'documented-4', {
    limits: { ...documented, executionTimeMs: 2_400_000, requests: 8_000, concurrency: 100 },
  }),
  plain('low concurrency', '10 at once a server', 'documented-4', { limits: { ...documented, concurrency: 10 } }),
  plain('counted together', 'four servers with one budget, as large as that of four', 'documented-4', {
    limits: { ...documented, scope: 'shared', executionTimeMs: 4_800_000, requests: 24_000, concurrency: 208 },
  }),
  plain('no hint', 'the header is missing', 'documented-4', { hint: null }),
  plain('no rate headers', 'the headers for debugging are missing', 'documented-4', { rateHeaders: 'missing' }),
  plain('no rate headers, low hint', 'missing as well, hint 5 for three servers', 'ppds-dev', {
    rateHeaders: 'missing',
  }),
  plain('rate headers of nonsense', 'random numbers', 'documented-4', { rateHeaders: 'nonsense' }),
  plain('hint too high', 'hint 40 for four servers', 'documented-4', { hint: 40 }),
  plain('hint too low', 'hint 16 for twelve servers', 'documented-12', { hint: 16 }),
  plain('alternate key', 'rows 2.5 times dearer', 'documented-4', { work: 'upsertByKey' }),
  plain('bad rows', 'one row in 200 is refused', 'documented-4', { badShare: 0.005 }),
  {
    ...plain('rate headers fall silent', 'they are missing from 100 s on', 'documented-4'),
    changes: [{ atSeconds: 100, patch: { rateHeaders: 'missing' } }],
  },
  {
    ...plain('others on the servers', '20 requests of another user in flight from 200 s', 'documented-4'),
    foreign: [{ user: 'them', inFlight: 20, fromSeconds: 200 }],
  },
  {
    ...plain('others on our identity', '4 requests of another client of ours in flight from 200 s', 'documented-4'),
    foreign: [{ user: 'us', inFlight: 4, fromSeconds: 200 }],
  },
];

export const changeAtSeconds = 700;
const change = (name: string, note: string, profile: string, patch: Partial<Environment>): Scenario => ({
  ...plain(name, note, profile),
  changes: [{ atSeconds: changeAtSeconds, patch }],
});

/** The limit is raised, and the headers for debugging have been missing for long. */
function silently(name: string, note: string, profile: string, silentFromSeconds: number): Scenario {
  const raised = change(name, note, profile, { limits: { ...documented, executionTimeMs: 1_800_000 } });
  return {
    ...raised,
    changes: [{ atSeconds: silentFromSeconds, patch: { rateHeaders: 'missing' } }, ...raised.changes],
  };
}

const wide = environmentOf('documented-12');
const narrow = environmentOf('documented-4');

/** Something changes in mid-run. */
export const changeScenarios: readonly Scenario[] = [
  change('servers join', 'four become twelve, the hint goes from 16 to 48', 'documented-4', {
    servers: 12,
    hint: 48,
    latency: wide.latency,
  }),
  change('servers leave', 'twelve become four, the hint goes from 48 to 16', 'documented-12', {
    servers: 4,
    hint: 16,
    latency: narrow.latency,
  }),
  change('servers leave unannounced', 'twelve become eight, the hint stays', 'documented-12', { servers: 8 }),
  change('limit lowered', 'execution time a window from 1,200 s to 900 s', 'documented-4', {
    limits: { ...documented, executionTimeMs: 900_000 },
  }),
  change('limit raised', 'execution time a window from 1,200 s to 1,800 s', 'documented-4', {
    limits: { ...documented, executionTimeMs: 1_800_000 },
  }),
  change(
    'limit raised in silence',
    'the same, and the headers for debugging are missing from then on',
    'documented-4',
    {
      limits: { ...documented, executionTimeMs: 1_800_000 },
      rateHeaders: 'missing',
    },
  ),
  silently('limit raised after silence', 'the same, and the headers are missing from 400 s on', 'documented-4', 400),
  silently('limit raised after silence, twelve', 'the same with twelve servers', 'documented-12', 400),
  silently('limit raised unseen', 'the same, and the headers were never there', 'documented-4', 0),
];
