import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { Tokens } from './auth/tokens.ts';
import { ODataError } from './errors.ts';
import { FaultRules } from './faults/fault-rules.ts';
import { Executions } from './http/execution.ts';
import { Hints } from './http/hints.ts';
import { ServerRouting } from './http/routing.ts';
import { createHttpServer } from './http/server.ts';
import { Traffic } from './http/traffic.ts';
import { WebApi } from './http/web-api.ts';
import type { WireRequest, WireResponse } from './http/wire.ts';
import { LatencyModel } from './latency/latency-model.ts';
import { ServiceProtection, type LimitCounters } from './limits/service-protection.ts';
import { FirstUse } from './http/first-use.ts';
import { iso, type Environment } from './operations/operation.ts';
import { PluginLog, type PluginCall } from './plugins/plugin-log.ts';
import { builtInTables } from './schema/built-in-tables.ts';
import { parseSchema } from './schema/parse-schema.ts';
import { buildTableModel } from './schema/table-model.ts';
import { patchSettings } from './settings/patch-settings.ts';
import { profiles } from './settings/profiles.ts';
import type { Settings, SettingsPatch } from './settings/settings.ts';
import { systemClock, type Clock } from './basics/clock.ts';
import { guidOf } from './basics/guid.ts';
import { createRandom } from './basics/random.ts';
import { CommitLog } from './store/commit-log.ts';
import { Database } from './store/database.ts';
import { Journal } from './store/journal.ts';
import { RecentWrites } from './store/recent-writes.ts';
import { businessUnitId, seedRows, seedUsers } from './store/seed-rows.ts';

export interface EmulatorOptions {
  /** 0 (the default) takes any free port. */
  readonly port?: number;
  /** Name of a profile; `documented` by default. */
  readonly profile?: string;
  /** Parsed schema files. */
  readonly schema?: readonly unknown[];
  /** Tables survive a restart when set. */
  readonly dataDir?: string;
  readonly seed?: number;
  /** The only value of `X-IDENTITY-HEADER` that is accepted; any when left out. */
  readonly identityHeader?: string;
  /** Changes to the profile. */
  readonly settings?: SettingsPatch;
  readonly clock?: Clock;
}

export interface EmulatorCounters {
  readonly users: Readonly<Record<string, LimitCounters>>;
  readonly servers: ReturnType<Traffic['snapshot']>['servers'];
  readonly statuses: ReturnType<Traffic['snapshot']>['statuses'];
  readonly running: number;
  readonly peakRunning: number;
  readonly earlyRetries: number;
  readonly journal: { readonly lastSequence: number; readonly dropped: number };
}

/** A running emulator. Everything the control API gives over HTTP is here in process. */
export interface Emulator {
  /** `http://127.0.0.1:PORT`, without trailing slash: also the audience of its tokens. */
  readonly url: string;
  readonly database: Database;
  readonly journal: Journal;
  readonly faults: FaultRules;
  readonly clock: Clock;
  settings(): Settings;
  /** The Web API without a socket, for tests in virtual time; the caller delivers the answer as it says. */
  handle(request: WireRequest): Promise<WireResponse>;
  /** Throws `SettingsPatchError` and changes nothing when the patch has faults. */
  changeSettings(patch: SettingsPatch): void;
  counters(): EmulatorCounters;
  /** Runs of the stubs among `settings().plugins`, in order. */
  pluginCalls(): readonly PluginCall[];
  /**
   * `rows` empties tables (seeded ones go back to their start) and journal; `counters` sets counters to zero; `limits` forgets what
   * has been used of the limits and the waits that were told.
   */
  reset(what: { readonly rows: boolean; readonly counters: boolean; readonly limits?: boolean }): void;
  /** Every token issued up to now answers 401 from here on. */
  revokeTokens(): void;
  /** Stops listening, drops open connections; work that has not committed is abandoned. */
  close(): Promise<void>;
}

const defaultSeed = 20_240_501;

function startSettings({ profile = 'documented', identityHeader, settings }: EmulatorOptions): Settings {
  const named = profiles.get(profile);
  if (named === undefined)
    throw new RangeError(`Unknown profile '${profile}'; there are ${[...profiles.keys()].join(', ')}.`);
  const withHeader = identityHeader === undefined ? named : { ...named, identityHeader };
  return settings === undefined ? withHeader : patchSettings(withHeader, settings);
}

function buildDatabase(schema: readonly unknown[]): Database {
  const tables = [...builtInTables];
  for (const file of schema) tables.push(...parseSchema(file, tables));
  return new Database(tables.map(buildTableModel));
}

/**
 * Starts an emulator on 127.0.0.1. Throws `SchemaError` for schema faults, `SettingsPatchError` for settings, `RangeError` for an
 * unknown profile, and what `listen` gives for a port in use.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { seed = defaultSeed, clock = systemClock } = options;
  let settings = startSettings(options);
  const database = buildDatabase(options.schema ?? []);
  seedRows(database, settings.users, iso(clock.now()));
  const log = options.dataDir === undefined ? undefined : new CommitLog(options.dataDir, database);
  const journal = new Journal(() => settings.journalLimit);
  database.onCommit((writes, info) => journal.record(writes, info));

  let url = '';
  const plugins = new PluginLog(() => settings.journalLimit);
  const recentWrites = new RecentWrites(() => settings.elasticReadLagMs);
  database.onCommit((writes, { atMs }) => recentWrites.note(writes, atMs));
  const { later, stop } = backgroundWork(database, clock);
  const environment: Environment = {
    database,
    plugins,
    recentWrites,
    clock,
    // Rows of an earlier life keep their ids: the ids of this one come from another sequence.
    random: createRandom(seed + 1000 * database.version),
    organizationId: guidOf('organization'),
    businessUnitId,
    settings: () => settings,
    origin: () => url,
    later,
  };
  const models = createModels(settings, seed);
  const { protection, latency, faults, tokens, traffic, executions, firstUse } = models;
  const changeSettings = (patch: SettingsPatch): void => {
    settings = patchSettings(settings, patch);
    executions.loseServers(settings.serversOut);
    protection.configure(settings.limits);
    latency.configure(settings.latency);
    if (patch.users !== undefined) seedUsers(database, settings.users, iso(clock.now()));
  };
  const emptyTables = (): void => {
    for (const table of database.tables()) table.clear();
    seedRows(database, settings.users, iso(clock.now()));
    for (const part of [journal, recentWrites, firstUse]) part.clear();
    log?.compact();
  };
  const webApi = new WebApi({ environment, ...models, changeSettings });
  const server = createHttpServer({ environment, tokens, webApi, emulator: () => emulator });
  url = await listen(server, options.port ?? 0, () => log?.close());

  const emulator: Emulator = {
    url,
    database,
    journal,
    faults,
    clock,
    settings: () => settings,
    handle: (request) => webApi.handle(request),
    changeSettings,
    pluginCalls: () => plugins.calls(),
    counters: () => countersOf(protection, traffic, journal),
    reset: ({ rows, counters, limits = false }) => {
      if (rows) emptyTables();
      if (counters) for (const part of [protection, traffic]) part.resetCounters();
      if (counters) plugins.clear();
      if (limits) protection.forget();
    },
    revokeTokens: () => tokens.revokeAll(clock.now()),
    close: async () => {
      stop();
      webApi.close();
      await closeServer(server);
      log?.close();
    },
  };
  return emulator;
}

function createModels({ limits, latency }: Settings, seed: number) {
  // Each user of chance has a sequence of its own, so that one more draw here does not change what happens there.
  return {
    protection: new ServiceProtection(limits),
    latency: new LatencyModel(latency, createRandom(seed + 1)),
    faults: new FaultRules(createRandom(seed + 2)),
    routing: new ServerRouting(createRandom(seed + 3)),
    tokens: new Tokens(seed),
    traffic: new Traffic(),
    executions: new Executions(),
    firstUse: new FirstUse(),
    hints: new Hints(),
  };
}

/** Work that outlives its request, until the emulator stops. */
function backgroundWork(database: Database, clock: Clock): Pick<Environment, 'later'> & { readonly stop: () => void } {
  let isStopped = false;
  return {
    later: (delayMs, info, run) => {
      const commit = (): void => {
        if (isStopped) return;
        const transaction = database.begin();
        try {
          run(transaction);
          transaction.commit({ ...info, atMs: clock.now() });
        } catch (error) {
          transaction.rollback();
          if (!(error instanceof ODataError)) throw error;
        }
      };
      void clock.until(clock.now() + delayMs).then(commit);
    },
    stop: () => (isStopped = true),
  };
}

function countersOf(protection: ServiceProtection, traffic: Traffic, journal: Journal): EmulatorCounters {
  const users = protection.counters();
  return {
    users: Object.fromEntries(users),
    ...traffic.snapshot(),
    earlyRetries: [...users.values()].reduce((sum, user) => sum + user.earlyRetries, 0),
    journal: { lastSequence: journal.lastSequence, dropped: journal.dropped },
  };
}

async function listen(server: Server, port: number, giveUp: () => void): Promise<string> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error: unknown) => {
    giveUp();
    throw error;
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
