import { errorCodes, ODataError } from '../errors.ts';
import { compileFilter, namedPaths, type ReadCollection, type Scalar } from '../odata/filter.ts';
import type { PagePosition } from '../odata/page-cookie.ts';
import type { Collection } from '../schema/collections.ts';
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
  assertNames(database, model, namedPaths(text, query));
  return compileFilter(text, query, rowReader(database, model), collectionReader(database, model));
}

/** Throws for a name that no row could answer, so that a query fails whatever the rows are. */
function assertNames(database: Database, model: TableModel, paths: readonly string[]): void {
  const empty: Row = { id: '', version: 0, values: [] };
  for (const path of paths) {
    const [collection = '', column] = path.split('[]/');
    if (column === undefined) rowReader(database, model)(empty, path);
    else {
      const related = relatedStore(database, model, collection);
      if (column !== '') rowReader(database, related.model)(empty, column);
    }
  }
}

function relatedStore(database: Database, model: TableModel, name: string): TableStore {
  const collection = database.collections(model.logicalName).get(name);
  const store = collection === undefined ? undefined : database.table(collection.table);
  if (store === undefined) throw unknownProperty(model, name);
  return store;
}

/** The rows whose lookup points at a row, for every row of the table at once. */
export function relatedById(
  database: Database,
  { table, navigation }: Collection,
): ReadonlyMap<string, readonly Row[]> {
  const byId = new Map<string, Row[]>();
  for (const row of database.table(table)?.rows() ?? []) {
    const reference = row.values[navigation.column.ordinal];
    if (!isReference(reference) || !navigation.targets.includes(reference.table)) continue;
    const rows = byId.get(reference.id);
    if (rows === undefined) byId.set(reference.id, [row]);
    else rows.push(row);
  }
  return byId;
}

function collectionReader(database: Database, model: TableModel): ReadCollection<Row> {
  const indexes = new Map<string, ReadonlyMap<string, readonly Row[]>>();
  return (row, name) => {
    const collection = database.collections(model.logicalName).get(name);
    if (collection === undefined) throw unknownProperty(model, name);
    const index = indexes.get(name) ?? relatedById(database, collection);
    indexes.set(name, index);
    const read = rowReader(database, relatedStore(database, model, name).model);
    return (index.get(row.id) ?? []).map((related) => (path: string) => read(related, path));
  };
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
  const keys = store.sortedIds();
  const rows: Row[] = [];
  for (
    let index = after === undefined ? 0 : firstAbove(keys, after.lastId);
    index < keys.length && rows.length < limit;
    index += 1
  ) {
    const row = store.getByKey(keys[index] ?? '');
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
    .map((row) => ({ row, key: store.keyOf(row), keys: order.map(({ name }) => read(row, name)) }))
    .sort((a, b) => compareKeys(order, a.keys, b.keys) || compareScalars(a.key, b.key));
  const start =
    after === undefined
      ? 0
      : keyed.findIndex(
          ({ key, keys }) => (compareKeys(order, keys, after.orderValues) || compareScalars(key, after.lastId)) > 0,
        );
  return start < 0 ? [] : keyed.slice(start, start + limit).map(({ row }) => row);
}

/** In the wanted order, then by key. */
export function compareRows(
  database: Database,
  store: TableStore,
  order: readonly Order[],
): (left: Row, right: Row) => number {
  const read = rowReader(database, store.model);
  const keysOf = (row: Row): readonly Scalar[] => order.map(({ name }) => read(row, name));
  return (left, right) =>
    compareKeys(order, keysOf(left), keysOf(right)) || compareScalars(store.keyOf(left), store.keyOf(right));
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
