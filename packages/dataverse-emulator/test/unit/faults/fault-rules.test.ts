import { describe, expect, it } from 'vitest';
import { FaultRuleError, FaultRules, parseFaultRule } from '../../../src/faults/fault-rules.ts';
import { createRandom } from '../../../src/basics/random.ts';

const upsert = {
  method: 'POST',
  url: '/api/data/v9.2/accounts/Microsoft.Dynamics.CRM.UpsertMultiple',
  user: 'u',
  server: 0,
};
const fired = (rule: object, times: number, target = upsert): boolean[] => {
  const rules = new FaultRules(createRandom(1));
  rules.add(parseFaultRule(rule));
  return Array.from({ length: times }, () => rules.strike(target) !== undefined);
};

describe('FaultRules', () => {
  it('strikes the n-th match, every n-th, and at most so often', () => {
    expect(fired({ kind: 'deadlock', nth: 2 }, 4)).toEqual([false, true, false, false]);
    expect(fired({ kind: 'deadlock', every: 2 }, 4)).toEqual([false, true, false, true]);
    expect(fired({ kind: 'deadlock', times: 1 }, 3)).toEqual([true, false, false]);
  });

  it('strikes by chance, the same for the same seed', () => {
    const strikes = fired({ kind: 'deadlock', probability: 0.3 }, 1000);
    expect(strikes.filter(Boolean).length / 1000).toBeCloseTo(0.3, 1);
    expect(fired({ kind: 'deadlock', probability: 0.3 }, 1000)).toEqual(strikes);
  });

  it.each([
    [{ message: 'UpsertMultiple' }, true],
    [{ message: 'CreateMultiple' }, false],
    [{ method: 'GET' }, false],
    [{ path: '/accounts' }, true],
    [{ user: 'v' }, false],
    [{ server: 0, user: 'u', method: 'POST' }, true],
  ])('looks at requests by %o', (match, expected) => {
    expect(fired({ kind: 'deadlock', match }, 1)).toEqual([expected]);
  });

  it('knows a message without its arguments', () => {
    const url = '/api/data/v9.2/accounts(1)?$select=name';
    expect(fired({ kind: 'deadlock', match: { message: 'accounts' } }, 1, { ...upsert, url })).toEqual([true]);
  });
});

describe('parseFaultRule', () => {
  it.each([
    [5, /object/],
    [{ kind: 'nonsense' }, /\/kind must be one of/],
    [{ kind: 'deadlock', color: 1 }, /\/color/],
    [{ kind: 'deadlock', nth: 'x' }, /\/nth must be a number/],
    [{ kind: 'deadlock', nth: 0 }, /\/nth must be a whole number of at least 1, not 0/],
    [{ kind: 'deadlock', every: 1.5 }, /\/every must be a whole number/],
    [{ kind: 'deadlock', probability: 7 }, /\/probability must be a number from 0 to 1, not 7/],
    [{ kind: 'htmlError', status: 200 }, /\/status must be a whole number from 400 to 599/],
    [{ kind: 'slowBody', delayMs: -1 }, /\/delayMs/],
    [{ kind: 'throttleRequests', retryAfterSeconds: {} }, /\/retryAfterSeconds must not be an object/],
    [{ kind: 'throttleRequests', body: 'xml' }, /\/body must be 'error' or 'message'/],
    [{ kind: 'commitThenDrop', part: 2 }, /\/part does not go with commitThenDrop/],
    [{ kind: 'deadlock', match: { host: 'x' } }, /\/match\/host/],
    [{ kind: 'deadlock', match: { server: 'x' } }, /\/match\/server must be a number/],
  ])('refuses %o', (json, message) => {
    expect(() => parseFaultRule(json)).toThrow(FaultRuleError);
    expect(() => parseFaultRule(json)).toThrow(message);
  });
});
