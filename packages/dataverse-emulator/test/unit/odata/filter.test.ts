import { describe, expect, it } from 'vitest';
import { ODataError } from '../../../src/errors.ts';
import { compileFilter, type FilterSubject, type Scalar } from '../../../src/odata/filter.ts';

type Item = Record<string, Scalar>;
const untypedItems: FilterSubject<Item> = {
  property: (path) => ({ read: (item) => item[path] ?? null, type: undefined }),
};
const test = (text: string, item: Item, aliases: Record<string, string> = {}): boolean =>
  compileFilter(text, new Map(Object.entries(aliases)), untypedItems)(item);

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

  it('is refused with too many nots', () => {
    expect(test('not '.repeat(4) + 'a eq 1', { a: 1 })).toBe(true);
    expect(() => test('not '.repeat(10_000) + 'a eq 1', { a: 1 })).toThrow(ODataError);
  });

  it('replaces parameter aliases and refuses those without value', () => {
    expect(test('a eq @p', { a: 5 }, { '@p': '5' })).toBe(true);
    expect(() => test('a eq @q', { a: 5 })).toThrow(ODataError);
  });

  it.each(['a eq', 'a eq 1)', '(a eq 1', 'a ?? 1', 'foo(a,1) and', '('.repeat(100)])('refuses %s', (text) => {
    expect(() => test(text, {})).toThrow(ODataError);
  });
});

describe('types in a filter', () => {
  const types: Record<string, string> = {
    text: 'Edm.String',
    whole: 'Edm.Int64',
    day: 'Edm.Date',
    time: 'Edm.DateTimeOffset',
    id: 'Edm.Guid',
    flag: 'Edm.Boolean',
  };
  const item: Item = {
    text: 'x',
    whole: 9007199254740993n,
    day: '2024-05-31',
    time: '2024-05-31T00:00:00Z',
    id: '6f9619ff-8b86-d011-b42d-00c04fc964ff',
    flag: true,
  };
  const typed: FilterSubject<Item> = {
    property: (path) => ({ read: (row) => row[path] ?? null, type: types[path] }),
  };
  const compiled = (text: string) => compileFilter(text, new Map(), typed);

  it.each([
    ['whole eq 9007199254740993', true],
    ['whole eq 9007199254740992', false],
    ['9007199254740992 lt whole', true],
    ['whole gt 5', true],
    ['day eq 2024-05-31T10:00:00Z', true],
    ['time eq 2024-05-31', true],
    ["time eq '2024-05-31T02:00:00+02:00'", true],
    ["id eq '6F9619FF-8B86-D011-B42D-00C04FC964FF'", true],
    ['flag', true],
    ['not flag', false],
    ['text eq null', false],
    ["Microsoft.Dynamics.CRM.In(PropertyName='whole',PropertyValues=['9007199254740993'])", true],
  ])('%s is %s', (text, expected) => {
    expect(compiled(text)(item)).toBe(expected);
  });

  it.each([
    ["whole eq 'x'", "'Edm.Int64' and 'Edm.String' for operator kind 'Equal'"],
    ['text gt 5', "'Edm.String' and 'Edm.Int32' for operator kind 'GreaterThan'"],
    ["flag eq 'true'", "'Edm.Boolean' and 'Edm.String'"],
    ["id eq 'x'", "'Edm.Guid' and 'Edm.String'"],
    ['time ge 5', "'Edm.DateTimeOffset' and 'Edm.Int32'"],
    ['time ge 2024-02-30', "'Edm.DateTimeOffset'"],
    ['text eq whole', "'Edm.String' and 'Edm.Int64'"],
    ['text and flag', "'Edm.String' and 'Edm.Boolean'"],
    ["contains(whole,'5')", "No function signature for the function with name 'contains'"],
  ])('%s is refused before the first row', (text, message) => {
    expect(() => compiled(text)).toThrow(message);
  });

  it('names functions it does not have before the first row', () => {
    expect(() => compiled("unheardof(text,'x')")).toThrow("'unheardof' is not implemented");
    expect(() => compiled('year(time) eq 2024')).toThrow("'year' is not implemented");
  });
});
