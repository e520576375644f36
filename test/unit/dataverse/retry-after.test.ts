import { describe, expect, it } from 'vitest';
import { readRetryAfter, untoldWaitMs } from '../../../src/dataverse/retry-after.ts';

const date = 'Sun, 22 Nov 2026 10:00:00 GMT';
const nowMs = Date.parse('2026-11-22T09:00:00Z');

describe('readRetryAfter', () => {
  it.each([
    ['37', 37_000],
    [' 2 ', 2_000],
    ['1.2', 2_000],
    ['0', 1_000],
    ['0.1', 1_000],
    ['-5', 1_000],
    ['86400', 86_400_000],
    ['00:00:37', 37_000],
    ['00:08:18.2', 499_000],
    ['1.00:00:00', 86_400_000],
    ['30, 60', 60_000],
    ['60, 00:00:30', 60_000],
    ['86401', 86_400_000],
    ['9'.repeat(400), 86_400_000],
    ['Sun, 22 Nov 2026 10:00:42 GMT', 42_000],
    ['Sunday, 22-Nov-26 10:00:42 GMT', 42_000],
    ['Sun Nov 22 10:00:42 2026', 42_000],
    ['Mon, 22 Nov 2027 10:00:00 GMT', 86_400_000],
    ['Sun, 22 Nov 2026 09:59:00 GMT', 1_000],
  ])('reads %s as %i ms', (retryAfter, waitMs) => {
    expect(readRetryAfter({ retryAfter, date, nowMs })).toBe(waitMs);
  });

  it('counts a date from our own clock when the answer has none that can be read', () => {
    const retryAfter = 'Sun, 22 Nov 2026 09:00:30 GMT';
    expect(readRetryAfter({ retryAfter, date: undefined, nowMs })).toBe(30_000);
    expect(readRetryAfter({ retryAfter, date: 'today', nowMs })).toBe(30_000);
  });

  it.each([undefined, '', 'soon', '1,5', '30, soon', '1e3', 'Infinity', 'NaN', '2026-11-22T10:00:42Z'])(
    'takes nothing from %s',
    (retryAfter) => {
      expect(readRetryAfter({ retryAfter, date, nowMs })).toBeUndefined();
    },
  );
});

describe('untoldWaitMs', () => {
  it('doubles from 30 s and stays at 300 s', () => {
    expect([1, 2, 3, 4, 5, 60].map(untoldWaitMs)).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000]);
  });
});
