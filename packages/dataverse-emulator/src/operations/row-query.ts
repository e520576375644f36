import { errorCodes, ODataError } from '../errors.ts';
import { compileFilter, type Scalar } from '../odata/filter.ts';
import type { PagePosition } from '../odata/page-cookie.ts';
import type { TableModel } from '../schema/table-model.ts';
import { isReference, type Value } from '../schema/values.ts';
import type { Database } from '../store/database.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { unknownProperty } from './projection.ts';

export interface Order {
  readonly name: string;
  readonly isDescending: boolean;
}

const scalar = (value: Value | undefined): Scalar => (isReference(value) ? value.id : (value ?? null));

/** Reads a property path of a row: a column, `_lookup_value`, the primary id, or `navigation/column`. */
export function rowReader(database: Database, model: TableModel): (row: Row, path: string) => Scalar {
  return (row, path) => {
    if (path === model.definition.primaryIdColumn) return row.id;
    const column = model.columnsByProperty.get(path);
    if (column !== undefined) return column.name === 'versionnumber' ? row.version : scalar(row.values[column.ordinal]);
    const slash = path.indexOf('/');
    if (slash < 0) throw unknownProperty(model, path);
    const navigation = model.navigations.find((item) => item.name === path.slice(0, slash));
    if (navigation === undefined) throw unknownProperty(model, path.slice(0, slash));
    const reference = row.values[navigation.column.ordinal];
    const related = isReference(reference) ? database.table(reference.table) : undefined;
    const relatedRow = isReference(reference) ? related?.get(reference.id) : undefined;
    if (related === undefined || relatedRow === undefined) return null;
    return rowReader(database, related.model)(relatedRow, path.slice(slash + 1));
  };
}

/** `$filter` of a table as a test, names checked before the first row. */
export function rowFilter(
  database: Database,
  model: TableModel,
  query: ReadonlyMap<string, string>,
): ((row: Row) => boolean) | undefined {
  const text = query.get('$filter');
  if (text === undefined || text.trim() === '') return undefined;
  const matches = compileFilter(text, query, rowReader(database, model));
  matches({ id: '', version: 0, values: [] });
  return matches;
}

export function parseOrder(model: TableModel, text: string | undefined): readonly Order[] {
  if (text === undefined || text.trim() === '') return [];
  return text.split(',').map((part) => {
    const [name = '', direction = 'asc'] = part.trim().split(/\s+/);
    const isKnown = model.columnsByProperty.has(name) || name === model.definition.primaryIdColumn;
    if (!isKnown) throw unknownProperty(model, name);
    if (direction !== 'asc' && direction !== 'desc')
      throw new ODataError(400, errorCodes.urlNotParsed, `Syntax error in '${part}'.`);
    return { name, isDescending: direction === 'desc' };
  });
}

interface Selection {
  readonly matches: ((row: Row) => boolean) | undefined;
  readonly order: readonly Order[];
  readonly after: PagePosition | undefined;
  readonly limit: number;
}

/** Up to `limit` rows behind the position, in the wanted order and then by id; one more tells that there is a next page. */
export function selectRows(database: Database, store: TableStore, selection: Selection): readonly Row[] {
  return selection.order.length === 0 ? selectById(store, selection) : selectOrdered(database, store, selection);
}

function selectById(store: TableStore, { matches, after, limit }: Selection): readonly Row[] {
  const ids = store.sortedIds();
  const rows: Row[] = [];
  for (
    let index = after === undefined ? 0 : firstAbove(ids, after.lastId);
    index < ids.length && rows.length < limit;
    index += 1
  ) {
    const row = store.get(ids[index] ?? '');
    if (row !== undefined && (matches === undefined || matches(row))) rows.push(row);
  }
  return rows;
}

function firstAbove(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? '') <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function selectOrdered(
  database: Database,
  store: TableStore,
  { matches, order, after, limit }: Selection,
): readonly Row[] {
  const read = rowReader(database, store.model);
  const keyed = [...store.rows()]
    .filter((row) => matches === undefined || matches(row))
    .map((row) => ({ row, keys: order.map(({ name }) => read(row, name)) }))
    .sort((a, b) => compareKeys(order, a.keys, b.keys) || compareScalars(a.row.id, b.row.id));
  const start =
    after === undefined
      ? 0
      : keyed.findIndex(
          ({ row, keys }) => (compareKeys(order, keys, after.orderValues) || compareScalars(row.id, after.lastId)) > 0,
        );
  return start < 0 ? [] : keyed.slice(start, start + limit).map(({ row }) => row);
}

function compareKeys(order: readonly Order[], left: readonly Scalar[], right: readonly Scalar[]): number {
  for (let index = 0; index < order.length; index += 1) {
    const compared = compareScalars(left[index] ?? null, right[index] ?? null);
    if (compared !== 0) return order[index]?.isDescending === true ? -compared : compared;
  }
  return 0;
}

/** Null comes first; text without regard to case. */
function compareScalars(left: Scalar, right: Scalar): number {
  const [a, b] = [left, right].map((value) => (typeof value === 'string' ? value.toLowerCase() : value));
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}
