import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../errors.ts';
import type { RequestLimits } from '../http/request-gate.ts';
import type { JsonObject } from '../json.ts';
import { isLogLevel } from '../log.ts';
import type { LogLevels } from '../log.ts';
import { bool, count, objectAt, oneOf, readJsonFile, text } from './json-file.ts';

/** What the host takes from host.json. Names and defaults: learn.microsoft.com/azure/azure-functions/functions-host-json */
export interface HostJson {
  readonly routePrefix: string;
  /** Whether host.json asks for the bundle that brings every trigger but HTTP and timer in Azure. */
  readonly hasExtensionBundle: boolean;
  readonly requestLimits: RequestLimits;
  /** Time a function may take; undefined = no limit. */
  readonly functionTimeoutMs: number | undefined;
  readonly logLevels: LogLevels;
  readonly durable: DurableSettings;
}

/** learn.microsoft.com/azure/azure-functions/durable/durable-functions-bindings#host-json */
export interface DurableSettings {
  readonly hubName: string;
  readonly maxConcurrentActivityFunctions: number;
  readonly maxConcurrentOrchestratorFunctions: number;
  readonly maxConcurrentEntityFunctions: number;
  readonly maxOrchestrationActions: number;
  readonly maxEntityOperationBatchSize: number;
  readonly overridableExistingInstanceStates: 'NonRunningStates' | 'AnyState';
  readonly storeInputsInOrchestrationHistory: boolean;
  readonly defaultAsyncRequestSleepTimeMs: number;
  readonly defaultVersion: string;
  /** Which versions of instances this host takes; see version-match.ts. */
  readonly versionMatchStrategy: 'CurrentOrOlder' | 'Strict' | 'None';
  /** What becomes of the others: they wait for a host that takes them, or fail. */
  readonly versionFailureStrategy: 'Reject' | 'Fail';
}

/** Concurrency per core where host.json names none. */
const defaultConcurrencyPerCore = 10;

/** Reads host.json of an app. A missing file means defaults, as with the Core Tools' empty one; a broken one is a StartError. */
export function readHostJson(appDir: string, settings: Readonly<Record<string, string | undefined>> = {}): HostJson {
  const path = join(appDir, 'host.json');
  return parseHostJson(readJsonFile(path) ?? {}, path, settings);
}

/** The settings in a parsed host.json, `%NAME%` taken from `settings`; throws a StartError that names what is wrong. */
export function parseHostJson(
  root: JsonObject,
  path = 'host.json',
  settings: Readonly<Record<string, string | undefined>> = {},
): HostJson {
  requireVersion(root, path);
  const extensions = objectAt(root, 'extensions', path);
  const http = objectAt(extensions, 'http', path);
  return {
    hasExtensionBundle: root['extensionBundle'] !== undefined,
    routePrefix: trimSlashes(text(http, 'routePrefix', 'api', path)),
    requestLimits: {
      maxConcurrentRequests: limit(http, 'maxConcurrentRequests', path),
      maxOutstandingRequests: limit(http, 'maxOutstandingRequests', path),
    },
    functionTimeoutMs: timeout(root['functionTimeout'], path),
    logLevels: logLevels(objectAt(objectAt(root, 'logging', path), 'logLevel', path), path),
    durable: durableSettings(objectAt(extensions, 'durableTask', path), path, settings),
  };
}

/** The Functions host refuses to start without it, unless the file is empty (HostJsonFileConfigurationSource.cs). */
function requireVersion(root: JsonObject, path: string): void {
  if (Object.keys(root).length === 0 || root['version'] === '2.0') return;
  const found = root['version'] === undefined ? 'it has none' : `not ${JSON.stringify(root['version'])}`;
  throw new StartError(`${path}: "version" must be "2.0", ${found}. Azure does not start an app without it.`);
}

function durableSettings(
  durable: JsonObject,
  path: string,
  settings: Readonly<Record<string, string | undefined>>,
): DurableSettings {
  const perCore = defaultConcurrencyPerCore * availableParallelism();
  const http = objectAt(durable, 'httpSettings', path);
  return {
    hubName: hubName(text(durable, 'hubName', 'TestHubName', path), path, settings),
    maxConcurrentActivityFunctions: count(durable, 'maxConcurrentActivityFunctions', perCore, path),
    maxConcurrentOrchestratorFunctions: count(durable, 'maxConcurrentOrchestratorFunctions', perCore, path),
    maxConcurrentEntityFunctions: count(durable, 'maxConcurrentEntityFunctions', perCore, path),
    maxOrchestrationActions: count(durable, 'maxOrchestrationActions', 100_000, path),
    maxEntityOperationBatchSize: count(durable, 'maxEntityOperationBatchSize', 5_000, path),
    overridableExistingInstanceStates: oneOf(
      durable,
      'overridableExistingInstanceStates',
      ['NonRunningStates', 'AnyState'],
      path,
    ),
    storeInputsInOrchestrationHistory: bool(durable, 'storeInputsInOrchestrationHistory', path),
    defaultAsyncRequestSleepTimeMs: count(http, 'defaultAsyncRequestSleepTimeMilliseconds', 30_000, path),
    defaultVersion: text(durable, 'defaultVersion', '', path),
    versionMatchStrategy: oneOf(durable, 'versionMatchStrategy', ['CurrentOrOlder', 'Strict', 'None'], path),
    versionFailureStrategy: oneOf(durable, 'versionFailureStrategy', ['Reject', 'Fail'], path),
  };
}

/** What Azure Storage allows as a task hub; anything else keeps the Functions host from starting (AzureStorageOptions.cs). */
function hubName(given: string, path: string, settings: Readonly<Record<string, string | undefined>>): string {
  const name = given.replace(/%([^%]+)%/gu, (_, key: string) => {
    const value = settings[key];
    if (value === undefined)
      throw new StartError(`${path}: "hubName" names the setting "${key}", which does not exist.`);
    return value;
  });
  if (/^[a-z][a-z0-9]{2,44}$/iu.test(name)) return name;
  throw new StartError(`${path}: "hubName" must be 3 to 45 letters and digits and begin with a letter, not "${name}".`);
}

/** A limit where -1, like nothing, means none. */
function limit(parent: JsonObject, key: string, path: string): number | undefined {
  return parent[key] === undefined || parent[key] === -1 ? undefined : count(parent, key, 1, path);
}

function timeout(value: unknown, path: string): number | undefined {
  if (value === undefined || value === '-1' || value === -1) return undefined;
  const durationMs = typeof value === 'string' ? parseTimeSpan(value) : undefined;
  if (!durationMs) throw new StartError(`${path}: "functionTimeout" must look like "00:05:00" or be -1.`);
  return durationMs;
}

/** Milliseconds of a .NET TimeSpan such as `00:05:00`, `1.00:00:00` or `00:00:00.5`; undefined if it is none. */
export function parseTimeSpan(value: string): number | undefined {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$/u.exec(value.trim());
  if (!match) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1, 5)
    .map((part: string | undefined) => Number(part ?? 0));
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const fraction = Number(`0.${match[5] ?? '0'}`);
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds + fraction) * 1000);
}

function logLevels(configured: JsonObject, path: string): LogLevels {
  const levels: Record<string, LogLevels[string]> = {};
  for (const [category, level] of Object.entries(configured)) {
    const name = typeof level === 'string' ? level.toLowerCase() : level;
    if (!isLogLevel(name))
      throw new StartError(`${path}: the log level of "${category}" is unknown: ${JSON.stringify(level)}.`);
    levels[category] = name;
  }
  return levels;
}

function trimSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/gu, '');
}
