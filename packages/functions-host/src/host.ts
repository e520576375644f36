import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { DurableEngine } from './durable/engine.ts';
import { DurableHttpApi } from './durable/http-api.ts';
import { clientInput } from './durable/management-urls.ts';
import type { UrlOptions } from './durable/management-urls.ts';
import { StartError } from './errors.ts';
import { defaultBodyLimitBytes } from './http/body.ts';
import { FunctionRoutes } from './http/function-routes.ts';
import { loadKeys } from './http/keys.ts';
import { openServer } from './http/server.ts';
import type { HttpServer } from './http/server.ts';
import { createLog } from './log.ts';
import { TimerTriggers } from './schedules/timer-triggers.ts';
import { readHostJson } from './settings/host-json.ts';
import type { HostJson } from './settings/host-json.ts';
import { applySettings, readLocalSettings } from './settings/local-settings.ts';
import type { LocalSettings } from './settings/local-settings.ts';
import { openDatabase } from './store/database.ts';
import { Store } from './store/store.ts';
import { catalogFunctions } from './worker/functions.ts';
import { createInvoker } from './worker/invoker.ts';
import type { Invoke } from './worker/invoker.ts';
import { loadApp } from './worker/load-app.ts';
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
  /** Whether functions and the Durable HTTP API ask for keys. Default: no, as the Core Tools do locally. */
  readonly requireKeys?: boolean | undefined;
  /** Takes the log, line by line with the line end. Default: stderr. */
  readonly writeLog?: ((line: string) => void) | undefined;
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
/** Time for requests and activities under way when the host closes. Activities that need longer run again at the next start. */
const shutdownGraceMs = 5_000;

/**
 * Starts an unmodified Node v4 function app in this process. Resolves once it serves; throws StartError with what to change.
 *
 * The app sees its settings in `process.env` while the host runs. Its modules load once per process: a second host of the same app
 * shares them.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const appDir = resolve(options.appDir);
  const local = readLocalSettings(appDir);
  const hostJson = readHostJson(appDir);
  const cleanup: (() => void | Promise<void>)[] = [];
  const undo = async () => {
    for (const step of cleanup.splice(0).toReversed()) await step();
  };
  try {
    return await start({ options, appDir, local, hostJson, cleanup, undo });
  } catch (error) {
    await undo();
    throw error;
  }
}

interface StartContext {
  readonly options: HostOptions;
  readonly appDir: string;
  readonly local: LocalSettings;
  readonly hostJson: HostJson;
  /** Steps that take the start back, done in reverse. */
  readonly cleanup: (() => void | Promise<void>)[];
  readonly undo: () => Promise<void>;
}

async function start({ options, appDir, local, hostJson, cleanup, undo }: StartContext): Promise<Host> {
  const clock = options.clock ?? systemClock;
  const log = createLog(options.writeLog ?? ((line) => void process.stderr.write(line)), hostJson.logLevels);
  const dataDir = resolve(options.dataDir ?? join(appDir, '.local', 'functions-host'));
  mkdirSync(dataDir, { recursive: true });
  const store = new Store(openDatabase(dataDir));
  cleanup.push(() => store.close());
  const keys = loadKeys(dataDir);
  const requireKeys = options.requireKeys ?? false;
  if (requireKeys) log('information', 'Host.Startup', `Keys are required. They are in ${keys.path}.`);

  let checkIdle: () => void = noop;
  const server = await openServer(options.port ?? local.port ?? defaultPort, log, () => checkIdle());
  cleanup.push(() => server.close(0));
  cleanup.push(applySettings(process.env, environmentOf(options.env ?? {}, local, server.port)));

  const app = await loadApp(appDir, log);
  const urls: UrlOptions = {
    origin: `http://127.0.0.1:${server.port}`,
    hubName: hostJson.durable.hubName,
    systemKey: keys.system,
  };
  const document = clientInput(urls);
  const tracked = trackInvocations(createInvoker(app, () => document));
  const { invoke } = tracked;
  const catalog = catalogFunctions(app.registrations, process.env, log);
  const engine = new DurableEngine({
    host: {
      store,
      invoke,
      catalog,
      clock,
      log,
      settings: hostJson.durable,
      functionTimeoutMs: hostJson.functionTimeoutMs,
      schemaVersion: schemaVersion(process.env),
    },
    onFatal: options.onFatal ?? throwUncaught,
    onQuiet: () => checkIdle(),
  });
  const timers = new TimerTriggers({
    functions: catalog.ofKind('timer'),
    store,
    clock,
    invoke,
    log,
    environment: process.env,
    onQuiet: () => checkIdle(),
  });
  const bodyLimitBytes = Number(process.env['FUNCTIONS_REQUEST_BODY_SIZE_LIMIT'] ?? defaultBodyLimitBytes);
  const httpUri = app.capabilities['HttpUri'];
  const functions = new FunctionRoutes({
    catalog,
    invoke,
    log,
    routePrefix: hostJson.routePrefix,
    keys,
    requireKeys,
    bodyLimitBytes,
    httpUri,
  });
  const durable = new DurableHttpApi(engine);

  checkIdle = idleChecker(
    clock,
    () => engine.isIdle && timers.isIdle && server.requestCount === 0 && tracked.count() === 0,
  );
  server.serve({ functions, durable, urls, keys, requireKeys, corsOrigins: local.corsOrigins, bodyLimitBytes });
  engine.start();
  timers.start();
  cleanup.push(() => shutDown({ server, timers, engine, app }));
  let closing: Promise<void> | undefined;
  return { url: urls.origin, keysPath: keys.path, close: () => (closing ??= undo()) };
}

function environmentOf(
  extra: Readonly<Record<string, string>>,
  local: LocalSettings,
  port: number,
): Record<string, string> {
  return {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    ...local.values,
    ...extra,
    // Durable clients rewrite their URLs to localhost:7071 without it.
    WEBSITE_HOSTNAME: `127.0.0.1:${port}`,
  };
}

const newestSchemaVersion = 3;

/** The action format offered to durable-functions; FUNCTIONS_HOST_DURABLE_SCHEMA matches it to an older deployed extension. */
function schemaVersion(environment: NodeJS.ProcessEnv): number {
  const wanted = environment['FUNCTIONS_HOST_DURABLE_SCHEMA'];
  const version = wanted === undefined ? newestSchemaVersion : Number(wanted);
  if (version === 1 || version === 2 || version === newestSchemaVersion) return version;
  throw new StartError(`FUNCTIONS_HOST_DURABLE_SCHEMA must be 1, 2 or 3, not "${wanted ?? ''}".`);
}

function trackInvocations(invoke: Invoke): { invoke: Invoke; count: () => number } {
  let running = 0;
  return {
    invoke: async (invocation) => {
      running++;
      try {
        return await invoke(invocation);
      } finally {
        running--;
      }
    },
    count: () => running,
  };
}

/** Tells a clock that wants to know when nothing is in flight, once the event loop has come to rest. */
function idleChecker(clock: Clock, isIdle: () => boolean): () => void {
  if (!clock.idle) return noop;
  let scheduled = false;
  const check = () => {
    scheduled = false;
    if (isIdle()) clock.idle?.();
  };
  return () => {
    if (!scheduled) setImmediate(check);
    scheduled = true;
  };
}

function noop(): void {
  // Nobody asked.
}

async function shutDown({
  server,
  timers,
  engine,
  app,
}: {
  server: HttpServer;
  timers: TimerTriggers;
  engine: DurableEngine;
  app: LoadedApp;
}): Promise<void> {
  await Promise.all([server.close(shutdownGraceMs), engine.stop(shutdownGraceMs), timers.stop()]);
  const { hooks, appHookData, appLevelHookData } = app.registrations;
  for (const hook of hooks.appTerminate) await hook({ hookData: appLevelHookData, appHookData });
}

function throwUncaught(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
