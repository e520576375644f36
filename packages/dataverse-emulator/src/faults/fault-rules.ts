import type { Random } from '../basics/random.ts';
import { isJsonObject } from '../basics/json.ts';

/** Which requests a rule looks at; every given member must fit. */
export interface FaultMatch {
  readonly method?: string;
  /** Part of the path and query. */
  readonly path?: string;
  /** Last segment of the path without its namespace: `UpsertMultiple`, `$batch`, `WhoAmI`. */
  readonly message?: string;
  /** Client id of the application user. */
  readonly user?: string;
  readonly server?: number;
}

export const faultKinds = [
  'throttleRequests', 'throttleExecutionTime', 'throttleConcurrency', 'htmlError', 'error', 'resetBefore', 'commitThenDrop', 'cutBody',
  'deadlock', 'sqlTimeout', 'transactionAborted', 'noTransaction', 'unexpected', 'sandboxUnavailable', 'upsertRace', 'revokeToken',
  'hint', 'lateCommit', 'slowHeaders', 'slowBody', 'serverOut', 'clockSkew',
] as const; // prettier-ignore
export type FaultKind = (typeof faultKinds)[number];

export interface FaultRule {
  readonly kind: FaultKind;
  readonly match: FaultMatch;
  /** Fires at the n-th matching request only (1 is the first). */
  readonly nth?: number;
  /** Fires at every n-th matching request. */
  readonly every?: number;
  readonly probability?: number;
  /** Fires at most so often. */
  readonly times?: number;
  /** `throttle*` (30 when left out, no header when null), `htmlError`. */
  readonly retryAfterSeconds?: number | null;
  /** `throttle*`: the body, in the shape of today or in an older one. */
  readonly body?: 'error' | 'message';
  /** `throttle*` and errors: strikes only the n-th operation of a `$batch` (1 is the first). */
  readonly part?: number;
  /** `clockSkew`: how far the `Date` header is ahead; negative: behind. */
  readonly skewSeconds?: number;
  /** `error`, `htmlError`. */
  readonly status?: number;
  readonly code?: string;
  readonly text?: string;
  /** `lateCommit`, `slowHeaders`, `slowBody`. */
  readonly delayMs?: number;
  /** `hint`. */
  readonly hint?: number | string | null;
}

export class FaultRuleError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FaultRuleError';
  }
}

export interface FaultTarget {
  readonly method: string;
  readonly url: string;
  readonly user: string | undefined;
  readonly server: number;
}

interface ActiveRule {
  readonly rule: FaultRule;
  matched: number;
  fired: number;
}

const maxRules = 1000;
const memberTypes: Readonly<Record<string, readonly string[]>> = {
  kind: ['string'], match: ['object'], nth: ['number'], every: ['number'], probability: ['number'], times: ['number'],
  retryAfterSeconds: ['number', 'object'], body: ['string'], part: ['number'], skewSeconds: ['number'], status: ['number'], code: ['string'], text: ['string'], delayMs: ['number'], hint: ['number', 'string', 'object'],
}; // prettier-ignore
const matchTypes: Readonly<Record<string, string>> = {
  method: 'string',
  path: 'string',
  message: 'string',
  user: 'string',
  server: 'number',
};

/** Lowest and highest value of the members that are numbers. */
const ranges: Readonly<Record<string, readonly [lowest: number, highest: number, isWhole: boolean]>> = {
  nth: [1, Infinity, true], every: [1, Infinity, true], times: [1, Infinity, true], part: [1, Infinity, true],
  probability: [0, 1, false], retryAfterSeconds: [0, Infinity, true], status: [400, 599, true], delayMs: [0, Infinity, false],
}; // prettier-ignore

function assertValue(name: string, value: unknown): void {
  if (name === 'body' && value !== 'error' && value !== 'message')
    throw new FaultRuleError("/body must be 'error' or 'message'.");
  const [lowest, highest, isWhole] = ranges[name] ?? [];
  if (typeof value === 'object' && value !== null && name !== 'match')
    throw new FaultRuleError(`/${name} must not be an object.`);
  if (lowest === undefined || highest === undefined || typeof value !== 'number') return;
  if (value >= lowest && value <= highest && (isWhole !== true || Number.isInteger(value))) return;
  const bounds = highest === Infinity ? `of at least ${lowest}` : `from ${lowest} to ${highest}`;
  throw new FaultRuleError(
    `/${name} must be a ${isWhole === true ? 'whole number' : 'number'} ${bounds}, not ${value}.`,
  );
}

/** Throttles and errors can strike one operation of a batch; the others are about the whole answer. */
const strikesParts = (kind: FaultKind): boolean =>
  [
    'throttleRequests', 'throttleExecutionTime', 'throttleConcurrency', 'error', 'deadlock', 'sqlTimeout', 'transactionAborted',
    'noTransaction', 'unexpected', 'sandboxUnavailable', 'upsertRace',
  ].includes(kind); // prettier-ignore

/** Reads a rule from JSON. Throws `FaultRuleError` naming what is wrong. */
export function parseFaultRule(json: unknown): FaultRule {
  if (!isJsonObject(json)) throw new FaultRuleError('A fault rule must be an object.');
  for (const [name, value] of Object.entries(json)) {
    const types = memberTypes[name];
    if (types === undefined) throw new FaultRuleError(`/${name} is not a member of a fault rule.`);
    if (!types.includes(typeof value)) throw new FaultRuleError(`/${name} must be a ${types.join(' or ')}.`);
  }
  if (!faultKinds.some((kind) => kind === json['kind']))
    throw new FaultRuleError(`/kind must be one of ${faultKinds.join(', ')}.`);
  for (const [name, value] of Object.entries(json)) assertValue(name, value);
  if (json['part'] !== undefined && !strikesParts(json['kind'] as FaultKind))
    throw new FaultRuleError(`/part does not go with ${String(json['kind'])}.`);
  const match = json['match'] ?? {};
  if (!isJsonObject(match)) throw new FaultRuleError('/match must be an object.');
  for (const [name, value] of Object.entries(match)) {
    if (matchTypes[name] === undefined) throw new FaultRuleError(`/match/${name} is not a member of a match.`);
    if (typeof value !== matchTypes[name]) throw new FaultRuleError(`/match/${name} must be a ${matchTypes[name]}.`);
  }
  return { ...json, match } as unknown as FaultRule;
}

/** The rules in force. The first one that fires decides; chance is seeded. */
export class FaultRules {
  readonly #random: Random;
  #rules: ActiveRule[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  add(rule: FaultRule): void {
    if (this.#rules.length >= maxRules) throw new FaultRuleError(`There are already ${maxRules} rules.`);
    this.#rules.push({ rule, matched: 0, fired: 0 });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The rules with how often they matched and fired. */
  list(): readonly (FaultRule & { readonly matched: number; readonly fired: number })[] {
    return this.#rules.map(({ rule, matched, fired }) => ({ ...rule, matched, fired }));
  }

  /** The rule that strikes this request, if any; counts it. */
  strike(target: FaultTarget): FaultRule | undefined {
    if (this.#rules.length === 0) return undefined;
    let struck: FaultRule | undefined;
    for (const active of this.#rules) {
      if (!fits(active.rule.match, target)) continue;
      active.matched += 1;
      if (struck !== undefined || !this.#fires(active)) continue;
      active.fired += 1;
      struck = active.rule;
    }
    return struck;
  }

  #fires({ rule, matched, fired }: ActiveRule): boolean {
    if (rule.times !== undefined && fired >= rule.times) return false;
    if (rule.nth !== undefined && matched !== rule.nth) return false;
    if (rule.every !== undefined && matched % rule.every !== 0) return false;
    return rule.probability === undefined || this.#random.next() < rule.probability;
  }
}

function fits(match: FaultMatch, { method, url, user, server }: FaultTarget): boolean {
  if (match.method !== undefined && match.method !== method) return false;
  if (match.path !== undefined && !url.includes(match.path)) return false;
  if (match.message !== undefined && messageOf(url) !== match.message) return false;
  if (match.user !== undefined && match.user !== user) return false;
  return match.server === undefined || match.server === server;
}

function messageOf(url: string): string {
  const path = url.split('?')[0] ?? '';
  const last = path.slice(path.lastIndexOf('/') + 1);
  return last.replace(/^Microsoft\.Dynamics\.CRM\./, '').replace(/\(.*$/, '');
}
