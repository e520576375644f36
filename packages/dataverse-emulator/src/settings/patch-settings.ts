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

/** Maps and lists are replaced whole; everything else is merged member by member. */
const replacedWhole: Readonly<Record<string, (path: string, value: unknown) => Replaced>> = {
  '/users': (path, value) => listOf(path, value, 'clientId', ordinaryUser),
  '/plugins': pluginStubs,
  '/duplicateRules': (path, value) =>
    check(path, value, (list) => isListOf(list, (rule) => isJsonObject(rule) && areTexts(rule['columns']))),
  '/serversOut': (path, value) => check(path, value, (list) => isListOf(list, Number.isInteger)),
  '/missingMessages': (path, value) =>
    check(path, value, (map) => isJsonObject(map) && Object.values(map).every(areTexts)),
  '/limits/order': (path, value) => check(path, value, (list) => isListOf(list, isFacet)),
  '/hintTurns': (path, value) => check(path, value, (turns) => turns === null || areHintTurns(turns)),
};

/** The new value, or what is wrong with it. */
type Replaced = { readonly value: unknown } | { readonly faults: readonly string[] };

const isListOf = (value: unknown, fits: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(fits);
const areTexts = (value: unknown): boolean => isListOf(value, (item) => typeof item === 'string');
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
  if (typeof value === 'number' && (!Number.isFinite(value) || value < 0))
    return 'must be a finite number of at least 0';
  return path === '/servers' && (typeof value !== 'number' || value < 1) ? 'must be at least 1' : undefined;
}

/** Members left out of a user take the values of an ordinary, enabled one. */
const ordinaryUser = (user: JsonObject): JsonObject => ({
  name: user['clientId'],
  secret: null,
  disabled: false,
  mayImpersonate: true,
  mayBypassLogic: true,
  denied: [],
  ...user,
});

function listOf(
  path: string,
  value: unknown,
  identifier: string,
  complete: (item: JsonObject) => JsonObject,
): Replaced {
  if (!Array.isArray(value)) return { faults: [`${path} must be a list`] };
  const faults = value.flatMap((item: unknown, index) =>
    isJsonObject(item) && typeof item[identifier] === 'string' ? [] : [`${path}/${index}/${identifier} must be text`],
  );
  return faults.length > 0 ? { faults } : { value: (value as JsonObject[]).map(complete) };
}

function pluginStubs(path: string, value: unknown): Replaced {
  if (!Array.isArray(value)) return { faults: [`${path} must be a list`] };
  const faults: string[] = [];
  const stubs = value.map((stub: unknown, index) => parsePluginStub(stub, `${path}/${index}`, faults));
  return faults.length > 0 ? { faults } : { value: stubs };
}
