import { expect, test } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatNoun, formatPercent, printable } from '../../../cli/text.ts';

test('counts are whole and grouped by thousands', () => {
  expect(formatCount(138_398)).toBe('138,398');
  expect(formatCount(1890.4)).toBe('1,890');
});

test.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [59.6, '1:00 min'],
  [74.1, '1:14 min'],
  [3600, '1:00:00 h'],
  [7390, '2:03:10 h'],
  [-5, '0 s'],
])('%d seconds are shown as %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test('a share is 100 % only when nothing is left', () => {
  expect(formatPercent(51_200, 138_398)).toBe('37.0 %');
  expect(formatPercent(138_397, 138_398)).toBe('99.9 %');
  expect(formatPercent(5, 5)).toBe('100.0 %');
  expect(formatPercent(0, 0)).toBe('100.0 %');
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_960, '1.0 MB'],
  [7_117_911, '7.1 MB'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('one of a thing is singular', () => {
  expect([formatNoun(1, 'row'), formatNoun(0, 'row'), formatNoun(1200, 'row')]).toEqual([
    '1 row',
    '0 rows',
    '1,200 rows',
  ]);
});

test('text from elsewhere cannot drive the terminal', () => {
  expect(printable('a\u001b[2Jb\nc')).toBe('a [2Jb c');
});
