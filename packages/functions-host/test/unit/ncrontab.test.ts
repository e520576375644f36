import { describe, expect, test } from 'vitest';
import { parseSchedule, resolveSettings } from '../../src/schedules/ncrontab.ts';

const after = (expression: string, time: string) =>
  new Date(parseSchedule(expression, 'UTC').next(Date.parse(time)) ?? Number.NaN).toISOString();

describe('schedules', () => {
  test.each([
    ['0 */5 * * * *', '2026-03-01T12:01:00Z', '2026-03-01T12:05:00.000Z'],
    ['0 */5 * * * *', '2026-03-01T12:05:00Z', '2026-03-01T12:10:00.000Z'],
    ['30 9 * * *', '2026-03-01T12:00:00Z', '2026-03-02T09:30:00.000Z'],
    ['0 30 9 * Jan Mon', '2026-03-01T12:00:00Z', '2027-01-04T09:30:00.000Z'],
    ['0 0 0 * January Monday', '2026-03-01T12:00:00Z', '2027-01-04T00:00:00.000Z'],
    ['0 0 9-17 * * *', '2026-03-01T17:30:00Z', '2026-03-02T09:00:00.000Z'],
    ['0 5/15 * * * *', '2026-03-01T12:51:00Z', '2026-03-01T13:05:00.000Z'],
    ['0 0/20,7 0/12 * Nov/1 *', '2026-03-01T12:51:00Z', '2026-11-01T00:00:00.000Z'],
    ['00:00:30', '2026-03-01T12:00:00Z', '2026-03-01T12:00:30.000Z'],
    ['1.00:00:00', '2026-03-01T12:00:00Z', '2026-03-02T12:00:00.000Z'],
  ])('%s after %s fires at %s', (expression, time, next) => {
    expect(after(expression, time)).toBe(next);
  });

  test('day of month and day of week must both fit', () => {
    expect(after('0 0 0 13 * Fri', '2026-01-01T00:00:00Z')).toBe('2026-02-13T00:00:00.000Z');
  });

  test.each([
    '* * * *',
    '0 0 0 L * *',
    '0 0 0 * * 7',
    '0 0 0 ? * *',
    '0 0 0 15W * *',
    '0 0 0 * * 5#2',
    '0 99 * * * *',
    'soon',
  ])('%s is refused', (expression) => {
    expect(() => parseSchedule(expression)).toThrow(/The schedule/u);
  });

  test.each([
    ['*/10 * * * * *', false],
    ['0 * * * * *', true],
    ['00:00:30', false],
    ['00:05:00', true],
  ])('%s keeps a status: %s', (expression, isMonitored) => {
    expect(parseSchedule(expression).isMonitored).toBe(isMonitored);
  });

  test('settings between percent signs are resolved, missing ones are named', () => {
    expect(resolveSettings('%WHEN%', { WHEN: '0 0 * * * *' })).toBe('0 0 * * * *');
    expect(() => resolveSettings('%WHEN%', {})).toThrow(/"WHEN"/u);
  });
});
