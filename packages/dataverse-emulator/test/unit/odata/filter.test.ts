import { describe, expect, it } from 'vitest';
import { ODataError } from '../../../src/errors.ts';
import { compileFilter, type Scalar } from '../../../src/odata/filter.ts';

type Item = Record<string, Scalar>;
const read = (item: Item, path: string): Scalar => item[path] ?? null;
const test = (text: string, item: Item, aliases: Record<string, string> = {}): boolean =>
  compileFilter(text, new Map(Object.entries(aliases)), read)(item);

describe('compileFilter', () => {
  it.each<[string, Item, boolean]>([
    ["a eq 'x'", { a: 'X' }, true],
    ["a eq 'O''Hara'", { a: "O'Hara" }, true],
    ['a eq 1 and b eq 2 or c eq 3', { a: 1, b: 9, c: 3 }, true],
    ['a eq 1 and (b eq 2 or c eq 3)', { a: 0, b: 9, c: 3 }, false],
    ['not (a eq 1) and b ne null', { a: 2, b: 0 }, true],
    ['a gt -1.5', { a: -1 }, true],
    ['a lt 5', { a: null }, false],
    ['a eq true', { a: true }, true],
    ['a eq 6F9619FF-8B86-D011-B42D-00C04FC964FF', { a: '6f9619ff-8b86-d011-b42d-00c04fc964ff' }, true],
    ['a ge 2024-05-31T10:00:00+02:00', { a: '2024-05-31T08:00:00Z' }, true],
    ["kind eq Some.Type'Picklist'", { kind: 'Picklist' }, true],
    ["Microsoft.Dynamics.CRM.NotIn(PropertyName='a',PropertyValues=['x'])", { a: 'x' }, false],
  ])('%s of %o is %s', (text, item, expected) => {
    expect(test(text, item)).toBe(expected);
  });

  it('replaces parameter aliases and refuses those without value', () => {
    expect(test('a eq @p', { a: 5 }, { '@p': '5' })).toBe(true);
    expect(() => test('a eq @q', { a: 5 })).toThrow(ODataError);
  });

  it.each(['a eq', 'a eq 1)', '(a eq 1', 'a ?? 1', 'foo(a,1) and', '('.repeat(100)])('refuses %s', (text) => {
    expect(() => test(text, {})).toThrow(ODataError);
  });
});
