import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createAppHost } from './app-host.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Faults } from './durable/faults.ts';
import { createTurnGuard, noTurnGuard } from './durable/turn-guard.ts';
import { loadKeys } from './http/keys.ts';
import { openServer } from './http/server.ts';
import { createLog } from './log.ts';
import { errorMessage, StartError } from './errors.ts';
import { waitAtMost } from './wait-at-most.ts';
import { hostEnvironment } from './settings/environment.ts';
import { readHostJson } from './settings/host-json.ts';
import { applySettings, readLocalSettings } from './settings/local-settings.ts';
import { openDatabase } from './store/database.ts';
import { Store } from './store/store.ts';
import { loadApp, requireApp } from './worker/load-app.ts';
import type { LoadedApp } from './worker/load-app.ts';

/** What `startHost` needs to know; only the app directory has no default. */
export interface HostOptions {
  readonly appDir: string;
  /** 0 = any free port. Default: `Host.LocalHttpPort` of local.settings.json, else 7071. */
  readonly port?: number | undefined;
  /** Where durable state and keys live. Default: `.local/functions-host` in the app directory. */
  readonly dataDir?: string | undefined;
  /** More settings for the app, before those of local.settings.json. Variables that exist already win over both. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly clock?: Clock | undefined;
  /** For tests: forced replay, duplicated and delayed activities. Default: none. */
  readonly faults?: Faults | undefined;
  /** Whether functions and the Durable HTTP API ask for keys. Default: no, as the Core Tools do locally. */
  readonly requireKeys?: boolean | undefined;
  /** Takes the log, line by line with the line end. Default: stderr. */
  readonly writeLog?: ((line: string) => void) | undefined;
  /**
   * For a process that does nothing but host: a thread warns when the event loop stands still, and the process is killed for an
   * orchestrator that never comes to an end; that run then fails at the next start. Default: no.
   */
  readonly watchdog?: boolean | undefined;
  /** Time for what is under way when the host closes; activities that need longer run again at the next start. Default: 5,000. */
  readonly closeWithinMs?: number | undefined;
  /** Told when the store failed and the host can do nothing more. Default: the error is thrown as an uncaught exception. */
  readonly onFatal?: ((error: unknown) => void) | undefined;
}

/** A running host. */
export interface Host {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** File with the keys that guard functions when keys are required. */
  readonly keysPath: string;
  /** Stops taking work, waits briefly for what runs, runs `appTerminate` hooks and lets go of port and data. Safe to call twice. */
  close(): Promise<void>;
}

const defaultPort = 7071;
const defaultCloseWithinMs = 5_000;
/** How long an orchestrator's code may take where host.json has no functionTimeout: as long as Azure's shortest default. */
const defaultTurnLimitMs = 300_000;

/**
 * Starts an unmodified Node v4 function app in this process. Resolves once it serves; throws StartError with what to change.
 *
 * The app sees its settings in `process.env` while the host runs. Its modules load once per process: a second host of the same app
 * shares them.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const cleanup = new Cleanup();
  try {
    return await start(options, cleanup);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

/** Steps that take a start back, done in reverse, once. */
class Cleanup {
  readonly #steps: (() => void | Promise<void>)[] = [];
  #done: Promise<void> | undefined;

  add(step: () => void | Promise<void>): void {
    this.#steps.push(step);
  }

  /** Does every step, even if one fails; the first failure is thrown at the end. */
  run(): Promise<void> {
    return (this.#done ??= this.#runAll());
  }

  async #runAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.toReversed()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

async function start(options: HostOptions, cleanup: Cleanup): Promise<Host> {
  const appDir = resolve(options.appDir);
  const { clock = systemClock, requireKeys = false, faults = {}, onFatal = throwUncaught } = options;
  const { closeWithinMs = defaultCloseWithinMs } = options;
  requireApp(appDir);
  const local = readLocalSettings(appDir);
  const hostJson = readHostJson(appDir, { ...local.values, ...options.env, ...process.env });
  const log = createLog(options.writeLog ?? ((line) => void process.stderr.write(line)), hostJson.logLevels);
  const dataDir = resolve(options.dataDir ?? join(appDir, '.local', 'functions-host'));
  createDirectory(dataDir);
  const store = new Store(openDatabase(dataDir));
  cleanup.add(() => store.close());
  const keys = loadKeys(dataDir);
  const turnLimitS = (hostJson.functionTimeoutMs ?? defaultTurnLimitMs) / 1_000;
  const guard =
    options.watchdog === true ? createTurnGuard(join(dataDir, 'stopped-turn.json'), turnLimitS, log) : noTurnGuard;
  cleanup.add(() => guard.close());
  if (requireKeys) log('information', 'Host.Startup', `Keys are required. They are in ${keys.path}.`);

  let onQuiet: () => void = noop;
  const server = await openServer(options.port ?? local.port ?? defaultPort, log, () => onQuiet());
  cleanup.add(() => server.close(0));
  cleanup.add(applySettings(process.env, hostEnvironment(options.env ?? {}, local, server.port)));
  const app = await loadApp(appDir, log);
  const origin = `http://127.0.0.1:${server.port}`;
  const { cors } = local;
  const parts = { app, hostJson, store, clock, log, keys, requireKeys, cors, origin, faults, guard, onFatal };
  const appHost = createAppHost({ ...parts, onQuiet: () => onQuiet() });
  onQuiet = idleChecker(clock, () =>
    appHost.isIdle() && server.requestCount === 0 ? appHost.nextTimerAtMs() : Infinity,
  );
  server.serve(appHost.site);
  appHost.start();
  cleanup.add(() => waitAtMost(closeWithinMs, [runTerminateHooks(app)]));
  cleanup.add(async () => {
    await Promise.all([server.close(closeWithinMs), appHost.stop(closeWithinMs)]);
  });
  return { url: origin, keysPath: keys.path, close: () => cleanup.run() };
}

function createDirectory(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
  } catch (error) {
    throw new StartError(`The data directory ${dataDir} cannot be made: ${errorMessage(error)}`, { cause: error });
  }
}

async function runTerminateHooks(app: LoadedApp): Promise<void> {
  const { hooks, appHookData, appLevelHookData } = app.registrations;
  for (const hook of hooks.appTerminate) await hook({ hookData: appLevelHookData, appHookData });
}

/** Tells a clock that wants to know when only a durable timer is left, once the event loop has come to rest. */
function idleChecker(clock: Clock, idleUntilMs: () => number): () => void {
  if (!clock.idle) return noop;
  let scheduled = false;
  const check = () => {
    scheduled = false;
    const nextTimerAtMs = idleUntilMs();
    if (Number.isFinite(nextTimerAtMs)) clock.idle?.(nextTimerAtMs);
  };
  return () => {
    if (!scheduled) setImmediate(check);
    scheduled = true;
  };
}

function noop(): void {
  // Nobody asked.
}

function throwUncaught(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
