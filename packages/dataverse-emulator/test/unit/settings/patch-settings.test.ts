import { describe, expect, it } from 'vitest';
import { patchSettings, SettingsPatchError } from '../../../src/settings/patch-settings.ts';
import { profiles } from '../../../src/settings/profiles.ts';
import type { JsonObject } from '../../../src/basics/json.ts';

const fast = profiles.get('fast')!;
const faultsOf = (patch: JsonObject): readonly string[] => {
  try {
    patchSettings(fast, patch);
    return [];
  } catch (error) {
    if (error instanceof SettingsPatchError) return error.faults;
    throw error;
  }
};

describe('patchSettings', () => {
  it('merges at any depth and leaves the rest', () => {
    const patched = patchSettings(fast, { limits: { concurrency: 3, retryAfter: { model: 'fixed' } }, hint: null });
    expect(patched.limits).toMatchObject({ concurrency: 3, requests: fast.limits.requests });
    expect(patched.limits.retryAfter).toEqual({ ...fast.limits.retryAfter, model: 'fixed' });
    expect(patched.hint).toBeNull();
  });

  it('completes users with ordinary values', () => {
    expect(patchSettings(fast, { users: [{ clientId: 'a', disabled: true }] }).users).toEqual([
      {
        clientId: 'a',
        name: 'a',
        secret: null,
        disabled: true,
        mayImpersonate: true,
        mayBypassLogic: true,
        denied: [],
      },
    ]);
  });

  it('replaces lists and turns whole, and refuses those of another form', () => {
    const duplicateRules = [{ table: 'account', columns: ['name'] }];
    const patch = { hintTurns: { requests: 2, values: [1, 'x'] }, duplicateRules, limits: { order: ['requests'] } };
    expect(patchSettings(fast, patch)).toMatchObject(patch);
    expect(
      faultsOf({
        hintTurns: { requests: 0, values: [1] },
        duplicateRules: [{ table: 'account' }],
        limits: { order: ['speed'] },
        serversOut: 'all',
        missingMessages: { account: 'all' },
      }),
    ).toEqual(
      ['/hintTurns', '/duplicateRules', '/limits/order', '/serversOut', '/missingMessages'].map(
        (path) => `${path} has the wrong form`,
      ),
    );
  });

  it.each([
    [{ servers: 1.5 }, '/servers must be a whole number of at least 1'],
    [{ pageSize: 0 }, '/pageSize must be a whole number of at least 1'],
    [{ limits: { windowMs: 0 } }, '/limits/windowMs must be a finite number of at least 1'],
    [{ limits: { retryAfter: { growth: 0.5 } } }, '/limits/retryAfter/growth must be a finite number of at least 1'],
    [{ latency: { tailProbability: 2 } }, '/latency/tailProbability must be a finite number from 0 to 1'],
    [{ deleteMultipleStandardStatus: 200 }, '/deleteMultipleStandardStatus must be a whole number from 400 to 599'],
    [{ serversOut: [-1] }, '/serversOut has the wrong form'],
    [{ missingMessages: { account: ['Merge'] } }, '/missingMessages has the wrong form'],
    [{ users: [{ clientId: 'a', denied: 'x' }] }, '/users/0/denied must be a list of privileges'],
    [{ users: [{ clientId: 'a', disabled: 'no' }] }, '/users/0/disabled must be true or false'],
    [{ users: [{ clientId: 'a', rights: [] }] }, '/users/0/rights is not known'],
    [{ users: ['a'] }, '/users/0 must be an object'],
  ])('refuses %j', (patch, fault) => {
    expect(faultsOf(patch)).toEqual([fault]);
  });

  it('names every fault by its pointer and changes nothing', () => {
    expect(
      faultsOf({
        nothing: 1,
        servers: 0,
        limits: { requests: '5', scope: 'x', windowMs: null },
        users: [{}],
        hint: true,
        profile: 'y',
      }),
    ).toEqual([
      '/nothing is not a setting that can be changed',
      '/servers must be a whole number of at least 1',
      '/limits/requests must be a number',
      '/limits/scope must be one of perServer, shared',
      '/limits/windowMs must not be null',
      '/users/0/clientId must be text',
      '/hint must be a number, text or null',
      '/profile is not a setting that can be changed',
    ]);
  });
});
