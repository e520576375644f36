import { describe, expect, it } from 'vitest';
import { readClaimsChallenge } from '../../../src/dataverse/claims-challenge.ts';
import type { Credential } from '../../../src/dataverse/credentials.ts';
import { createTokenSource } from '../../../src/dataverse/tokens.ts';
import { manualClock, origin, settle } from './support.ts';

const hourMs = 3_600_000;

function setUp(lifetimeMs = hourMs) {
  const clock = manualClock();
  const asked: string[] = [];
  const renewed: (string | undefined)[] = [];
  let failing: Error | undefined;
  let answer: Promise<void> = Promise.resolve();
  const give = async (token: string) => {
    await answer;
    if (failing !== undefined) throw failing;
    return { token, expiresOnTimestamp: clock.now() + lifetimeMs };
  };
  const credential: Credential = {
    getToken: async (scope) => give(`token-${asked.push(String(scope))}`),
    renew: async (_scope, { claims }) => give(`renewed-${renewed.push(claims)}`),
  };
  return {
    clock,
    asked,
    renewed,
    credential,
    source: createTokenSource({ credential, origin, clock }),
    fail: (error: Error | undefined) => (failing = error),
    hold: () => {
      let release = (): void => undefined;
      answer = new Promise((resolve) => (release = resolve));
      return () => release();
    },
  };
}

describe('the token source', () => {
  it('asks once for the scope of the environment and keeps the token', async () => {
    const { source, asked } = setUp();
    expect([await source.get(), await source.get()]).toEqual(['token-1', 'token-1']);
    expect(asked).toEqual([`${origin}/.default`]);
  });

  it('asks once for all that come at the same time', async () => {
    const { source, asked, hold } = setUp();
    const release = hold();
    const all = Promise.all([source.get(), source.get(), source.get()]);
    await settle();
    release();
    expect(await all).toEqual(['token-1', 'token-1', 'token-1']);
    expect(asked).toHaveLength(1);
  });

  it('asks again when less than five minutes are left, and lets nobody wait for it', async () => {
    const { source, clock, asked, hold } = setUp();
    await source.get();
    clock.set(hourMs - 5 * 60_000);
    expect(await source.get()).toBe('token-1');
    expect(asked).toHaveLength(1);
    clock.set(hourMs - 5 * 60_000 + 1);
    const release = hold();
    expect([await source.get(), await source.get()]).toEqual(['token-1', 'token-1']);
    expect(asked).toHaveLength(2);
    release();
    await settle();
    expect(await source.get()).toBe('token-2');
  });

  it('lets everybody wait when the token may end before a request arrives', async () => {
    const { source, clock } = setUp();
    await source.get();
    clock.set(hourMs - 29_999);
    expect(await source.get()).toBe('token-2');
  });

  it('leaves an endpoint that fails alone for a while', async () => {
    const { source, clock, asked, fail } = setUp();
    await source.get();
    fail(new Error('endpoint down'));
    clock.set(hourMs - 4 * 60_000);
    for (let request = 0; request < 5; request += 1) {
      expect(await source.get()).toBe('token-1');
      await settle();
    }
    expect(asked).toHaveLength(2);
    clock.set(hourMs - 4 * 60_000 + 10_000);
    await source.get();
    expect(asked).toHaveLength(3);
  });

  it('gives up a credential that never answers, and asks anew', async () => {
    const aborted: boolean[] = [];
    let asked = 0;
    const credential: Credential = {
      renew: async () => null,
      getToken: async (_scope, options) => {
        asked += 1;
        if (asked > 1) return { token: 'late but there', expiresOnTimestamp: hourMs };
        options?.abortSignal?.addEventListener('abort', () => aborted.push(true));
        return new Promise<never>(() => undefined);
      },
    };
    const source = createTokenSource({ credential, origin, clock: manualClock(), longestAskMs: 1 });
    await expect(source.get()).rejects.toMatchObject({ kind: 'transient', maybeCommitted: false });
    expect(aborted).toEqual([true]);
    expect(await source.get()).toBe('late but there');
  });

  it('goes past all caches for a token that was refused, once for all that had the same, with the claims asked for', async () => {
    const { source, asked, renewed } = setUp();
    const refused = await source.get();
    const all = [source.refresh(refused, '{"a":1}'), source.refresh(refused), source.get()];
    expect(await Promise.all(all)).toEqual(['renewed-1', 'renewed-1', 'renewed-1']);
    expect(await source.refresh(refused)).toBe('renewed-1');
    expect([asked.length, renewed]).toEqual([1, ['{"a":1}']]);
  });

  it('never takes the refused token out of the credential’s own cache again', async () => {
    const { clock, credential, renewed, fail } = setUp();
    const caching: Credential = {
      ...credential,
      getToken: async () => ({ token: 'cached', expiresOnTimestamp: clock.now() + hourMs }),
    };
    const source = createTokenSource({ credential: caching, origin, clock });
    const refused = await source.get();
    fail(new Error('endpoint down'));
    await expect(source.refresh(refused)).rejects.toMatchObject({ kind: 'transient', maybeCommitted: false });
    fail(undefined);
    expect(await source.get()).toBe('renewed-2');
    expect(renewed).toHaveLength(2);
  });

  it('gives the same token again where nothing else is to be had', async () => {
    const { clock } = setUp();
    const same = async () => ({ token: 'kept by the platform', expiresOnTimestamp: clock.now() + hourMs });
    const source = createTokenSource({ credential: { getToken: same, renew: same }, origin, clock });
    expect(await source.refresh(await source.get())).toBe('kept by the platform');
  });

  it('goes on with the old token while no new one can be had', async () => {
    const { source, clock, fail } = setUp();
    await source.get();
    fail(new Error('endpoint down'));
    clock.set(hourMs - 1);
    expect(await source.get()).toBe('token-1');
    clock.set(hourMs);
    await expect(source.get()).rejects.toMatchObject({ kind: 'transient', maybeCommitted: false });
    fail(undefined);
    expect(await source.get()).not.toBe('token-1');
  });
});

describe('the claims that a refusal asks for', () => {
  const encoded = (text: string) => Buffer.from(text).toString('base64');
  const claims = '{"access_token":{"nbf":{"essential":true,"value":"1726077595"}}}';

  it('are read from the challenge', () => {
    const header = `Bearer authorization_uri="https://login.example/authorize", error="insufficient_claims", claims="${encoded(claims)}"`;
    expect(readClaimsChallenge(header)).toBe(claims);
  });

  it.each([
    undefined,
    'Bearer authorization_uri=https://login.example/authorize, resource_id=https://contoso.crm4.dynamics.com/',
    'Bearer claims=""',
    'Bearer claims="%%"',
    `Bearer noclaims="${encoded(claims)}"`,
    `Bearer claims="${encoded('no JSON')}"`,
    `Bearer claims="${encoded('[1]')}"`,
    `Bearer claims="${encoded(JSON.stringify({ a: 'x'.repeat(4_096) }))}"`,
  ])('are none in %s', (header) => {
    expect(readClaimsChallenge(header)).toBeUndefined();
  });
});
