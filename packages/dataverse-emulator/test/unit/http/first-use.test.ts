import { describe, expect, it } from 'vitest';
import { FirstUse } from '../../../src/http/first-use.ts';

describe('FirstUse', () => {
  it('costs the first call its preparation, fails the others until then, and nobody after', () => {
    const firstUse = new FirstUse();
    expect(firstUse.enter('t CreateMultiple', 0, 100)).toBe(100);
    expect(() => firstUse.enter('t CreateMultiple', 50, 100)).toThrow('Sql Number: 3732');
    expect(() => firstUse.enter('t CreateMultiple', 99, 100)).toThrow('Sql Number: 2766');
    expect(firstUse.enter('t CreateMultiple', 100, 100)).toBe(0);
    expect(firstUse.enter('t UpdateMultiple', 100, 100)).toBe(100);
  });

  it('begins again after a reset', () => {
    const firstUse = new FirstUse();
    firstUse.enter('t', 0, 10);
    firstUse.clear();
    expect(firstUse.enter('t', 20, 10)).toBe(10);
  });
});
