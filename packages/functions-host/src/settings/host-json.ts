import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../errors.ts';
import type { RequestLimits } from '../http/request-gate.ts';
import { isObject } from '../json.ts';
import type { JsonObject } from '../json.ts';
import { isLogLevel } from '../log.ts';
import type { LogLevels } from '../log.ts';

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
}

/** Concurrency per core where host.json names none. */
const defaultConcurrencyPerCore = 10;

/** Reads host.json of an app. A missing file means defaults, as with the Core Tools' empty one; a broken one is a StartError. */
export function readHostJson(appDir: string): HostJson {
  const path = join(appDir, 'host.json');
  return parseHostJson(readJsonFile(path) ?? {}, path);
}

/** The settings in a parsed host.json; throws a StartError that names what is wrong. */
export function parseHostJson(root: JsonObject, path = 'host.json'): HostJson {
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
    logLevels: logLevels(objectAt(objectAt(root, 'logging', path), 'logLevel', path)),
    durable: durableSettings(objectAt(extensions, 'durableTask', path), path),
  };
}

/** The Functions host refuses to start without it, unless the file is empty (HostJsonFileConfigurationSource.cs). */
function requireVersion(root: JsonObject, path: string): void {
  if (Object.keys(root).length === 0 || root['version'] === '2.0') return;
  const found = root['version'] === undefined ? 'it has none' : `not ${JSON.stringify(root['version'])}`;
  throw new StartError(`${path}: "version" must be "2.0", ${found}. Azure does not start an app without it.`);
}

function durableSettings(durable: JsonObject, path: string): DurableSettings {
  const perCore = defaultConcurrencyPerCore * availableParallelism();
  const http = objectAt(durable, 'httpSettings', path);
  return {
    hubName: text(durable, 'hubName', 'TestHubName', path),
    maxConcurrentActivityFunctions: count(durable, 'maxConcurrentActivityFunctions', perCore, path),
    maxConcurrentOrchestratorFunctions: count(durable, 'maxConcurrentOrchestratorFunctions', perCore, path),
    maxConcurrentEntityFunctions: count(durable, 'maxConcurrentEntityFunctions', perCore, path),
    maxOrchestrationActions: count(durable, 'maxOrchestrationActions', 100_000, path),
    maxEntityOperationBatchSize: count(durable, 'maxEntityOperationBatchSize', 5_000, path),
    overridableExistingInstanceStates:
      durable['overridableExistingInstanceStates'] === 'AnyState' ? 'AnyState' : 'NonRunningStates',
    storeInputsInOrchestrationHistory: durable['storeInputsInOrchestrationHistory'] === true,
    defaultAsyncRequestSleepTimeMs: count(http, 'defaultAsyncRequestSleepTimeMilliseconds', 30_000, path),
    defaultVersion: text(durable, 'defaultVersion', '', path),
  };
}

/** Reads a JSON file with comments and a byte order mark, as the Functions tools allow. Undefined if there is none. */
export function readJsonFile(path: string): JsonObject | undefined {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StartError(`${path} cannot be read: ${(error as Error).message}`);
  }
  try {
    const parsed: unknown = JSON.parse(withoutComments(content.replace(/^\uFEFF/u, '')));
    if (isObject(parsed)) return parsed;
  } catch (error) {
    throw new StartError(`${path} is not valid JSON: ${(error as Error).message}`);
  }
  throw new StartError(`${path} must hold a JSON object.`);
}

/** Blanks line and block comments outside strings. */
function withoutComments(json: string): string {
  return json.replace(/"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//gu, (found) =>
    found.startsWith('"') ? found : ' ',
  );
}

function objectAt(parent: JsonObject, key: string, path: string): JsonObject {
  const value = parent[key] ?? {};
  if (!isObject(value)) throw new StartError(`${path}: "${key}" must be an object.`);
  return value;
}

function text(parent: JsonObject, key: string, fallback: string, path: string): string {
  const value = parent[key] ?? fallback;
  if (typeof value !== 'string') throw new StartError(`${path}: "${key}" must be text.`);
  return value;
}

function count(parent: JsonObject, key: string, fallback: number, path: string): number {
  const value = parent[key] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new StartError(`${path}: "${key}" must be a whole number of at least 1, not ${JSON.stringify(value)}.`);
  }
  return value;
}

/** A limit where -1, like nothing, means none. */
function limit(parent: JsonObject, key: string, path: string): number | undefined {
  return parent[key] === undefined || parent[key] === -1 ? undefined : count(parent, key, 1, path);
}

function timeout(value: unknown, path: string): number | undefined {
  if (value === undefined || value === '-1' || value === -1) return undefined;
  const durationMs = typeof value === 'string' ? parseTimeSpan(value) : undefined;
  if (durationMs === undefined) throw new StartError(`${path}: "functionTimeout" must look like "00:05:00" or be -1.`);
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

function logLevels(configured: JsonObject): LogLevels {
  const levels: Record<string, LogLevels[string]> = {};
  for (const [category, level] of Object.entries(configured)) {
    const name = typeof level === 'string' ? level.toLowerCase() : level;
    if (isLogLevel(name)) levels[category] = name;
  }
  return levels;
}

function trimSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/gu, '');
}
