import { isGuid } from '../basics/guid.ts';
import type { Expression, Literal } from '../odata/filter-parser.ts';
import type { Column, Key } from '../schema/table-model.ts';
import type { Value } from '../schema/values.ts';
import type { Row, TableStore } from '../store/table-store.ts';

/**
 * The rows a filter can let through when it asks for a whole key, so that a table of a million rows is not read for one of them.
 * `undefined` when it does not. What is found still has to pass the filter.
 */
export function candidatesByKey(store: TableStore, expression: Expression): (() => readonly Row[]) | undefined {
  const { model } = store;
  const wanted = equalities(expression);
  const id = wanted.get(model.definition.primaryIdColumn)?.value;
  if (typeof id === 'string' && isGuid(id) && !model.isElastic) return () => asList(store.get(id.toLowerCase()));
  for (const key of model.keys) {
    const keyValue = keyValueOf(key, wanted);
    if (keyValue !== undefined) return () => asList(store.findByKey(key, keyValue));
  }
  return undefined;
}

const asList = (row: Row | undefined): readonly Row[] => (row === undefined ? [] : [row]);

/** The comparisons that must all hold: `property eq literal`, joined by `and`. */
function equalities(expression: Expression): ReadonlyMap<string, Literal> {
  if (expression.kind !== 'binary') return new Map();
  const { operator, left, right } = expression;
  if (operator === 'and') return new Map([...equalities(left), ...equalities(right)]);
  return operator === 'eq' && left.kind === 'property' && right.kind === 'literal'
    ? new Map([[left.path, right]])
    : new Map();
}

/** Only text and whole numbers: they are compared in the filter as they are in the key. */
function keyValueOf(key: Key, wanted: ReadonlyMap<string, Literal>): string | undefined {
  if (key.definition.status !== 'Active') return undefined;
  const values: Value[] = [];
  for (const column of key.columns) {
    const value = wanted.get(column.property)?.value;
    if (!isExact(column, value)) return undefined;
    values[column.ordinal] = value;
  }
  return key.valueOf(values);
}

function isExact({ definition: { type } }: Column, value: Literal['value'] | undefined): value is string | number {
  if (type === 'String') return typeof value === 'string';
  return (type === 'Integer' || type === 'Picklist') && Number.isSafeInteger(value);
}
