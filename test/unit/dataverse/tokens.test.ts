import type { TokenCredential } from '@azure/identity';
import { describe, expect, it } from 'vitest';
import { createTokenSource } from '../../../src/dataverse/tokens.ts';
import { manualClock, origin, settle } from './support.ts';

const hourMs = 3_600_000;

function setUp(lifetimeMs = hourMs) {
  const clock = manualClock();
  const asked: string[] = [];
  let failing: Error | undefined;
  let answer: Promise<void> = Promise.resolve();
  const credential: TokenCredential = {
    async getToken(scope) {
      asked.push(String(scope));
      await answer;
      if (failing !== undefined) throw failing;
      return { token: `token-${asked.length}`, expiresOnTimestamp: clock.now() + lifetimeMs };
    },
  };
  return {
    clock,
    asked,
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
    const credential: TokenCredential = {
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

  it('refreshes once for all that were refused with the same token', async () => {
    const { source, asked } = setUp();
    const refused = await source.get();
    expect(await Promise.all([source.refresh(refused), source.refresh(refused)])).toEqual(['token-2', 'token-2']);
    expect(await source.refresh(refused)).toBe('token-2');
    expect(asked).toHaveLength(2);
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
