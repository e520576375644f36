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

  it('asks again when less than five minutes are left', async () => {
    const { source, clock } = setUp();
    await source.get();
    clock.set(hourMs - 5 * 60_000);
    expect(await source.get()).toBe('token-1');
    clock.set(hourMs - 5 * 60_000 + 1);
    expect(await source.get()).toBe('token-2');
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
