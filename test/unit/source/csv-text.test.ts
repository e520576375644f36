import fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { csvLine, guardFormula, unguardFormula } from '../../../src/source/csv-text.ts';

describe('a cell for people', () => {
  it.each(['=1+1', '+1', '-1', '@x', '\tx', '\rx', '\nx', "'=1"])('never begins like a formula: %j', (text) => {
    expect(guardFormula(text)).toBe(`'${text}`);
  });

  it.each([
    ['a;=1+1', "a;'=1+1"],
    ['a\n-1', "a\n'-1"],
    ["a\r\n'@x", "a\r\n''@x"],
    [';\t=1', ";\t'=1"],
    ['=1;+2', "'=1;'+2"],
  ])('begins none where semicolons separate either: %j', (text, shown) => {
    expect(guardFormula(text)).toBe(shown);
  });

  it.each(['', 'a', '1', "'a", 'a=1', 'a;b', 'a\r\nb', 'a, -b'])(
    'is left alone where nothing would be computed: %j',
    (text) => {
      expect(guardFormula(text)).toBe(text);
    },
  );

  it('gives its text back, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('=', '-', "'", 'a', '\t', ';', '\n', '\r') }), (text) => {
        expect(unguardFormula(guardFormula(text))).toBe(text);
      }),
    );
  });

  it('is read by another reader as it was written', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 5 }), (cells) => {
        expect(
          parse(csvLine(cells), { relax_column_count: true, skip_empty_lines: false, record_delimiter: '\r\n' }),
        ).toEqual([cells]);
      }),
    );
  });
});
