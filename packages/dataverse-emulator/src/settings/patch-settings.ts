import { isJsonObject, type JsonObject } from '../basics/json.ts';
import { parsePluginStub } from '../plugins/plugin-stub.ts';
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
  '/latency/knee', '/latency/writePool', '/identityHeader', '/sqlTimeoutMs', '/countLimit', '/firstUseMs',
]); // prettier-ignore
const texts = new Set(['/identityHeader']);

/** Numbers that cannot be just any of at least 0. */
const bounds: Readonly<Record<string, { readonly least?: number; readonly most?: number; readonly isWhole?: true }>> = {
  '/servers': { least: 1, isWhole: true }, '/pageSize': { least: 1, isWhole: true }, '/maxBatchOperations': { least: 1, isWhole: true },
  '/maxBodyBytes': { least: 1, isWhole: true }, '/journalLimit': { least: 1, isWhole: true }, '/countLimit': { isWhole: true },
  '/deleteMultipleStandardStatus': { least: 400, most: 599, isWhole: true }, '/limits/windowMs': { least: 1 }, '/limits/requests': { isWhole: true },
  '/limits/concurrency': { isWhole: true }, '/limits/writeConcurrency': { isWhole: true }, '/limits/retryAfter/fixedSeconds': { least: 1, isWhole: true },
  '/limits/retryAfter/concurrencySeconds': { least: 1, isWhole: true }, '/limits/retryAfter/maxSeconds': { least: 1, isWhole: true },
  '/limits/retryAfter/growth': { least: 1 }, '/latency/knee': { least: 1 }, '/latency/writePool': { least: 1, isWhole: true },
  '/latency/tailProbability': { most: 1 }, '/clockSkewSeconds': { least: -1e9, most: 1e9 },
}; // prettier-ignore

/** Maps and lists are replaced whole; everything else is merged member by member. */
const replacedWhole: Readonly<Record<string, (path: string, value: unknown) => Replaced>> = {
  '/users': users,
  '/plugins': pluginStubs,
  '/duplicateRules': (path, value) => check(path, value, (list) => isListOf(list, isDuplicateRule)),
  '/serversOut': (path, value) =>
    check(path, value, (list) => isListOf(list, (server) => Number.isInteger(server) && Number(server) >= 0)),
  '/missingMessages': (path, value) =>
    check(path, value, (map) => isJsonObject(map) && Object.values(map).every((list) => isListOf(list, isMessage))),
  '/limits/order': (path, value) => check(path, value, (list) => isListOf(list, isFacet)),
  '/hintTurns': (path, value) => check(path, value, (turns) => turns === null || areHintTurns(turns)),
};

/** The new value, or what is wrong with it. */
type Replaced = { readonly value: unknown } | { readonly faults: readonly string[] };

const isListOf = (value: unknown, fits: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(fits);
const areTexts = (value: unknown): boolean => isListOf(value, (item) => typeof item === 'string');
const isDuplicateRule = (value: unknown): boolean =>
  isJsonObject(value) && typeof value['table'] === 'string' && areTexts(value['columns']);
const isMessage = (value: unknown): boolean =>
  ['CreateMultiple', 'UpdateMultiple', 'UpsertMultiple', 'DeleteMultiple'].some((message) => message === value);
const isFacet = (value: unknown): boolean =>
  ['requests', 'executionTime', 'concurrency'].some((facet) => facet === value);
const areHintTurns = (value: unknown): boolean =>
  isJsonObject(value) &&
  Number.isInteger(value['requests']) &&
  Number(value['requests']) > 0 &&
  isListOf(value['values'], (item) => ['number', 'string'].includes(typeof item)) &&
  (value['values'] as unknown[]).length > 0;

function check(path: string, value: unknown, fits: (value: unknown) => boolean): Replaced {
  return fits(value) ? { value } : { faults: [`${path} has the wrong form`] };
}

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
    else if (replacedWhole[path] !== undefined) {
      const replaced = replacedWhole[path](path, value);
      if ('value' in replaced) result[name] = replaced.value;
      else faults.push(...replaced.faults);
    } else if (isJsonObject(before)) {
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
  return typeof value === 'number' ? numberFault(path, value) : undefined;
}

function numberFault(path: string, value: number): string | undefined {
  const { least = 0, most = Infinity, isWhole = false } = bounds[path] ?? {};
  const fits = Number.isFinite(value) && value >= least && value <= most && (!isWhole || Number.isInteger(value));
  if (fits) return undefined;
  return `must be a ${isWhole ? 'whole' : 'finite'} number ${most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`}`;
}

/** Members left out of a user take the values of an ordinary, enabled one. */
const ordinaryUser = {
  secret: null,
  disabled: false,
  mayImpersonate: true,
  mayBypassLogic: true,
  denied: [],
};

const userMembers: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  clientId: (value) => (typeof value === 'string' ? undefined : 'must be text'),
  name: (value) => (typeof value === 'string' ? undefined : 'must be text'),
  secret: (value) => (value === null || typeof value === 'string' ? undefined : 'must be text or null'),
  disabled: isFlag,
  mayImpersonate: isFlag,
  mayBypassLogic: isFlag,
  denied: (value) => (areTexts(value) ? undefined : 'must be a list of privileges'),
};

function isFlag(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'must be true or false';
}

function users(path: string, value: unknown): Replaced {
  if (!Array.isArray(value)) return { faults: [`${path} must be a list`] };
  const faults: string[] = [];
  const complete = value.map((user: unknown, index): unknown => {
    if (!isJsonObject(user)) {
      faults.push(`${path}/${index} must be an object`);
      return user;
    }
    for (const [member, own] of Object.entries({ clientId: undefined, ...user })) {
      const fault = userMembers[member] === undefined ? 'is not known' : userMembers[member](own);
      if (fault !== undefined) faults.push(`${path}/${index}/${member} ${fault}`);
    }
    return { name: user['clientId'], ...ordinaryUser, ...user };
  });
  return faults.length > 0 ? { faults } : { value: complete };
}

function pluginStubs(path: string, value: unknown): Replaced {
  if (!Array.isArray(value)) return { faults: [`${path} must be a list`] };
  const faults: string[] = [];
  const stubs = value.map((stub: unknown, index) => parsePluginStub(stub, `${path}/${index}`, faults));
  return faults.length > 0 ? { faults } : { value: stubs };
}
