import { expect, test } from 'vitest';
import { retryAfterMs } from '../../../cli/retry-after.ts';

const nowMs = Date.parse('2026-11-23T08:00:00Z');

test.each([
  ['2', 2000],
  [' 0 ', 0],
  ['Mon, 23 Nov 2026 08:00:30 GMT', 30_000],
  ['Mon, 23 Nov 2026 07:00:00 GMT', 0],
  ['soon', undefined],
  [null, undefined],
])('Retry-After %s asks for %s ms', (header, expected) => {
  expect(retryAfterMs(header, nowMs)).toBe(expected);
});
