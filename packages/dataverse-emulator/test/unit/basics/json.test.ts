import { describe, expect, it } from 'vitest';
import { ExactNumber, isJsonObject, nestingDepth, parseJson } from '../../../src/basics/json.ts';

describe('parseJson', () => {
  it.each(['9007199254740993', '-9223372036854775808', '12345678901.1234567891', '0.12345678901234567890123'])(
    'keeps the digits of %s through reading and writing',
    (text) => {
      expect(JSON.stringify(parseJson(`{"a":[${text}]}`))).toBe(`{"a":[${text}]}`);
      expect((parseJson(text) as ExactNumber).text).toBe(text);
    },
  );

  it.each(['9007199254740992', '1000000000000000000', '12.34567890123456', '0.50000000000000000000', '1e300', '5'])(
    'gives a plain number for %s, which a double holds',
    (text) => {
      expect(parseJson(text)).toBe(Number(text));
    },
  );

  it('leaves digits inside text alone, and takes no exact number for an object', () => {
    expect(parseJson('{"phone":"12345678901234567890"}')).toEqual({ phone: '12345678901234567890' });
    expect(isJsonObject(new ExactNumber('1'))).toBe(false);
  });
});

describe('nestingDepth', () => {
  it.each([
    ['5', 0],
    ['{}', 1],
    ['[{"a":[1,{"b":2}]},[3]]', 4],
    ['{"text":"[[[{{{","b":"\\"[[[","c":"\\\\"}', 1],
    ['"unfinished [[', 0],
  ])('of %s is %i', (text, expected) => {
    expect(nestingDepth(text)).toBe(expected);
  });

  it('is counted however deep it is', () => {
    expect(nestingDepth('['.repeat(1_000_000))).toBe(1_000_000);
  });
});
