import { describe, expect, it } from 'vitest';
import { compileConditions, type Condition } from '../../../src/rows/conditions.ts';

const item = { text: 'Zürich', number: 5, huge: 9007199254740993n, yes: true, nothing: null } as const;
type Column = keyof typeof item;
const matches = (column: string, operator: string, ...values: string[]): boolean => {
  const conditions: Condition[] = [{ column, operator, values }];
  return compileConditions<typeof item>(
    { operator: 'and', conditions, groups: [] },
    (name) => (row) => row[name as Column],
  )(item);
};

describe('conditions', () => {
  it.each([
    ['text', 'eq', ['zürich'], true],
    ['text', 'like', ['z_r%'], true],
    ['text', 'like', ['z.r%'], false],
    ['text', 'not-like', ['%ich'], false],
    ['text', 'begins-with', ['ZÜ'], true],
    ['text', 'ends-with', ['ich'], true],
    ['number', 'gt', ['10'], false],
    ['number', 'between', ['5', '6'], true],
    ['number', 'not-in', ['1', '5'], false],
    ['huge', 'eq', ['9007199254740993'], true],
    ['huge', 'eq', ['9007199254740992'], false],
    ['huge', 'lt', ['9007199254740993.5'], true],
    ['yes', 'eq', ['1'], true],
    ['yes', 'ne', ['true'], false],
    ['nothing', 'null', [], true],
    ['nothing', 'lt', ['1'], false],
    ['nothing', 'ne', ['1'], true],
  ] as const)('%s %s %j is %s', (column, operator, values, expected) => {
    expect(matches(column, operator, ...values)).toBe(expected);
  });

  it('combine with and, or and groups', () => {
    const group = {
      operator: 'or' as const,
      conditions: [{ column: 'number', operator: 'eq', values: ['1'] }],
      groups: [
        {
          operator: 'and' as const,
          conditions: [
            { column: 'yes', operator: 'eq', values: ['true'] },
            { column: 'text', operator: 'not-null', values: [] },
          ],
          groups: [],
        },
      ],
    };
    expect(compileConditions<typeof item>(group, (name) => (row) => row[name as Column])(item)).toBe(true);
  });

  it('are refused with an operator that is not supported', () => {
    expect(() => matches('text', 'under', 'x')).toThrow("'under' is not implemented");
  });
});
