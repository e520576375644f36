import type { Clock } from './clock.ts';
import { DurableEngine } from './durable/engine.ts';
import type { Faults } from './durable/faults.ts';
import { DurableHttpApi } from './durable/http-api.ts';
import { clientInput } from './durable/management-urls.ts';
import type { TurnGuard } from './durable/turn-guard.ts';
import { StartError } from './errors.ts';
import type { Cors } from './http/cors.ts';
import { FunctionRoutes } from './http/function-routes.ts';
import type { HostKeys } from './http/keys.ts';
import type { Site } from './http/server.ts';
import type { Log } from './log.ts';
import { TimerTriggers } from './schedules/timer-triggers.ts';
import { bodyLimit, durableSchemaVersion, sanitizesErrors } from './settings/environment.ts';
import type { HostJson } from './settings/host-json.ts';
import type { Store } from './store/store.ts';
import { catalogFunctions } from './worker/functions.ts';
import type { FunctionCatalog } from './worker/functions.ts';
import { createInvoker } from './worker/invoker.ts';
import type { Invoke } from './worker/invoker.ts';
import { sanitizeErrors } from './worker/sanitize.ts';
import type { LoadedApp } from './worker/load-app.ts';

export interface AppHostOptions {
  readonly app: LoadedApp;
  readonly hostJson: HostJson;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly keys: HostKeys;
  readonly requireKeys: boolean;
  readonly cors: Cors;
  /** Where this host answers. */
  readonly origin: string;
  readonly faults: Faults;
  readonly guard: TurnGuard;
  readonly onFatal: (error: unknown) => void;
  /** Something ended; see `isIdle`. */
  readonly onQuiet: () => void;
}

/** A loaded app with everything that makes its functions run. */
export interface AppHost {
  readonly site: Site;
  start(): void;
  /** Starts nothing more; what is under way gets `graceMs` to end. */
  stop(graceMs: number): Promise<void>;
  /** True while nothing of the app is running or due. */
  isIdle(): boolean;
  /** When the next durable timer is due; infinite if there is none. */
  nextTimerAtMs(): number;
}

/** Puts the parts together. Throws StartError for settings and triggers that cannot be read. */
export function createAppHost(options: AppHostOptions): AppHost {
  const { app, hostJson, store, clock, log, keys, requireKeys, cors, origin, faults } = options;
  const { guard, onFatal, onQuiet } = options;
  const urls = { origin, hubName: hostJson.durable.hubName, systemKey: keys.system };
  const document = clientInput(urls);
  const environment = process.env;
  const invokeApp = createInvoker(app, () => document);
  const { invoke, runningCount } = countRunning(sanitizesErrors(environment) ? sanitizeErrors(invokeApp) : invokeApp);
  const catalog = catalogFunctions(app.registrations, environment, log);
  if (catalog.all.length === 0) throw new StartError("None of the app's functions can run; the log says why for each.");
  log('information', 'Host.Startup', `Functions: ${describe(catalog)}.`);
  if (!hostJson.hasExtensionBundle) warnOfMissingBundle(catalog, log);
  const { durable: settings, functionTimeoutMs, routePrefix } = hostJson;
  const schemaVersion = durableSchemaVersion(environment);
  const durableHost = {
    store,
    invoke,
    catalog,
    clock,
    log,
    settings,
    functionTimeoutMs,
    schemaVersion,
    faults,
    guard,
    environment,
  };
  const engine = new DurableEngine({ host: durableHost, onFatal, onQuiet });
  const functions = catalog.ofKind('timer');
  const timerParts = { functions, store, clock, invoke, log, environment, functionTimeoutMs, onQuiet };
  const timers = new TimerTriggers(timerParts);
  const bodyLimitBytes = bodyLimit(environment);
  const httpUri = app.capabilities['HttpUri'];
  const routes = new FunctionRoutes({
    ...{ catalog, invoke, log, routePrefix, keys, requireKeys, bodyLimitBytes, httpUri },
    requestLimits: hostJson.requestLimits,
    timeLimit: { clock, functionTimeoutMs },
  });
  const durable = new DurableHttpApi(engine);

  return {
    site: {
      functions: routes,
      durable,
      runTimer: (name) => timers.runNow(name),
      urls,
      keys,
      requireKeys,
      cors,
      bodyLimitBytes,
    },
    start() {
      engine.start();
      timers.start();
    },
    async stop(graceMs) {
      await Promise.all([engine.stop(graceMs), timers.stop(graceMs)]);
    },
    isIdle: () => engine.isIdle && timers.isIdle && runningCount() === 0,
    nextTimerAtMs: () => engine.nextTimerAtMs,
  };
}

/** Without it an app runs here and is empty in Azure. */
function warnOfMissingBundle(catalog: FunctionCatalog, log: Log): void {
  const affected = catalog.all.filter(({ kind }) => kind !== 'http' && kind !== 'timer');
  if (affected.length === 0) return;
  const names = affected.map(({ name }) => name).join(', ');
  const advice = 'unless it installs the extension itself';
  log('warning', 'Host.Startup', `host.json has no "extensionBundle": ${advice}, Azure would not run ${names}.`);
}

function describe(catalog: FunctionCatalog): string {
  const kinds = [...new Set(catalog.all.map((one) => one.kind))];
  return kinds.map((kind) => `${kind} ${catalog.names(kind).join(', ')}`).join('; ');
}

function countRunning(invoke: Invoke): { invoke: Invoke; runningCount: () => number } {
  let running = 0;
  const counted: Invoke = async (invocation) => {
    running++;
    try {
      return await invoke(invocation);
    } finally {
      running--;
    }
  };
  return { invoke: counted, runningCount: () => running };
}
