import { isJsonObject, type JsonObject } from '../shared/json.ts';
import type { Settings } from './settings.ts';

/** A patch that names unknown settings or gives values of the wrong type; `faults` has one line per JSON pointer. */
export class SettingsPatchError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`Settings refused: ${faults.join('; ')}`);
    this.name = 'SettingsPatchError';
    this.faults = faults;
  }
}

const choices: Readonly<Record<string, readonly string[]>> = {
  '/routing': ['roundRobin', 'random'],
  '/readOnlyColumns': ['ignore', 'refuse'],
  '/limits/scope': ['perServer', 'shared'],
  '/limits/retryAfter/model': ['growing', 'fixed', 'missing', 'zero', 'httpDate'],
  '/limits/retryAfter/early': ['judge', 'refuse'],
};

const nullable = new Set([
  '/hint', '/limits/requests', '/limits/executionTimeMs', '/limits/concurrency', '/limits/writeConcurrency',
  '/latency/knee', '/latency/writePool', '/identityHeader', '/sqlTimeoutMs',
]); // prettier-ignore
const texts = new Set(['/identityHeader']);

/** Maps and lists are replaced whole; everything else is merged member by member. */
const replacedWhole = new Set(['/users', '/serversOut', '/missingMessages']);

/** Merges a JSON merge patch into settings. Throws `SettingsPatchError` naming every fault; then nothing is changed. */
export function patchSettings(settings: Settings, patch: JsonObject): Settings {
  const faults: string[] = [];
  const merged = merge(settings as unknown as JsonObject, patch, '', faults);
  if (faults.length > 0) throw new SettingsPatchError(faults);
  return merged as unknown as Settings;
}

function merge(current: JsonObject, patch: JsonObject, pointer: string, faults: string[]): JsonObject {
  const result: Record<string, unknown> = { ...current };
  for (const [name, value] of Object.entries(patch)) {
    const path = `${pointer}/${name}`;
    const before = current[name];
    if (!(name in current) || path === '/profile') faults.push(`${path} is not a setting that can be changed`);
    else if (replacedWhole.has(path)) result[name] = replaced(path, value, before, faults);
    else if (isJsonObject(before)) {
      if (isJsonObject(value)) result[name] = merge(before, value, path, faults);
      else faults.push(`${path} must be an object`);
    } else {
      const fault = leafFault(path, value, before);
      if (fault === undefined) result[name] = value;
      else faults.push(`${path} ${fault}`);
    }
  }
  return result;
}

function leafFault(path: string, value: unknown, before: unknown): string | undefined {
  const allowed = choices[path];
  if (allowed !== undefined) {
    return typeof value === 'string' && allowed.includes(value) ? undefined : `must be one of ${allowed.join(', ')}`;
  }
  if (value === null) return nullable.has(path) ? undefined : 'must not be null';
  if (path === '/hint')
    return ['number', 'string'].includes(typeof value) ? undefined : 'must be a number, text or null';
  const expected = texts.has(path) ? 'string' : typeof before === 'boolean' ? 'boolean' : 'number';
  if (typeof value !== expected) return `must be a ${expected}`;
  if (typeof value === 'number' && (!Number.isFinite(value) || value < 0))
    return 'must be a finite number of at least 0';
  return path === '/servers' && (typeof value !== 'number' || value < 1) ? 'must be at least 1' : undefined;
}

function replaced(path: string, value: unknown, before: unknown, faults: string[]): unknown {
  if (path === '/users') return users(value, before, faults);
  if (path === '/serversOut' && Array.isArray(value) && value.every((item) => Number.isInteger(item))) return value;
  if (path === '/missingMessages' && isJsonObject(value) && Object.values(value).every((item) => Array.isArray(item))) {
    return value;
  }
  faults.push(`${path} has the wrong form`);
  return before;
}

/** Members left out of a user take the values of an ordinary, enabled one. */
function users(value: unknown, before: unknown, faults: string[]): unknown {
  if (!Array.isArray(value)) {
    faults.push('/users must be a list');
    return before;
  }
  return value.map((user: unknown, index) => {
    if (isJsonObject(user) && typeof user['clientId'] === 'string') {
      const plain = {
        name: user['clientId'],
        secret: null,
        disabled: false,
        mayImpersonate: true,
        mayBypassLogic: true,
        denied: [],
      };
      return { ...plain, ...user };
    }
    faults.push(`/users/${index}/clientId must be text`);
    return user;
  });
}
