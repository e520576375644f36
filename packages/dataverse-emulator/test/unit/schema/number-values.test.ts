import { describe, expect, it } from 'vitest';
import { numberOf } from '../../../src/basics/json.ts';
import { isInRange, numericLimits, roundDecimal, wholeNumber } from '../../../src/schema/number-values.ts';

describe('decimals', () => {
  it.each([
    ['1.005', 2, '1.01'],
    ['-1.005', 2, '-1.01'],
    ['2.675', 2, '2.68'],
    ['1.004', 2, '1'],
    ['0.5', 0, '1'],
    ['-2.5', 0, '-3'],
    ['33.337', 2, '33.34'],
    ['0.00000000001', 10, '0'],
    ['12345678901.12345678915', 10, '12345678901.1234567892'],
    ['-12345678901.1234567891', 10, '-12345678901.1234567891'],
    ['99999999999.99999999995', 10, '100000000000'],
    ['12.300000000000000000', 10, '12.3'],
  ])('%s to %i digits is %s', (literal, precision, expected) => {
    expect(String(roundDecimal(numberOf(literal), precision))).toBe(expected);
  });
});

describe('whole numbers', () => {
  const int64 = numericLimits({ logicalName: 'a', schemaName: 'a', type: 'BigInt' });

  it.each([
    ['9223372036854775807', true],
    ['9223372036854775808', false],
    ['-9223372036854775808', true],
    ['-9223372036854775809', false],
    ['5', true],
  ])('%s fits 64 bits: %s', (literal, expected) => {
    expect(isInRange(wholeNumber(numberOf(literal)) ?? '', int64)).toBe(expected);
  });

  it('are no fractions', () => {
    expect([wholeNumber(1.5), wholeNumber(numberOf('12345678901234567.5'))]).toEqual([undefined, undefined]);
  });
});
