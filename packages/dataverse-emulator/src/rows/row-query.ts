import { errorCodes, ODataError } from '../errors.ts';
import { compileExpression, type FilterCollection, type FilterProperty, type FilterSubject } from '../odata/filter.ts';
import { parseFilter, type Scalar } from '../odata/filter-parser.ts';
import type { PagePosition } from '../odata/page-cookie.ts';
import type { Collection } from '../schema/collections.ts';
import { edmTypeOf } from '../schema/column-values.ts';
import { isNumeric } from '../schema/number-values.ts';
import type { Column, TableModel } from '../schema/table-model.ts';
import { isReference, type Value } from '../schema/values.ts';
import type { Database } from '../store/database.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { candidatesByKey } from './key-candidates.ts';
import { unknownProperty } from './projection.ts';

export interface Order {
  readonly name: string;
  readonly isDescending: boolean;
}

function scalarOf({ definition }: Column): (value: Value | undefined) => Scalar {
  return (value) => {
    if (isReference(value)) return value.id;
    if (typeof value !== 'string' || !isNumeric(definition)) return value ?? null;
    return definition.type === 'BigInt' ? BigInt(value) : Number(value);
  };
}

/** A property path of a row: a column, `_lookup_value`, the primary id, or `navigation/column`. Throws for unknown names. */
export function rowProperty(database: Database, model: TableModel, path: string): FilterProperty<Row> {
  if (path === model.definition.primaryIdColumn) return { read: (row) => row.id, type: 'Edm.Guid' };
  const column = model.columnsByProperty.get(path);
  if (column !== undefined) {
    const type = column.isLookup ? 'Edm.Guid' : edmTypeOf(column.definition);
    if (column.name === 'versionnumber') return { read: (row) => row.version, type };
    const scalar = scalarOf(column);
    return { read: (row) => scalar(row.values[column.ordinal]), type };
  }
  const slash = path.indexOf('/');
  if (slash < 0) throw unknownProperty(model, path);
  return relatedProperty(database, model, path.slice(0, slash), path.slice(slash + 1));
}

const hasProperty = ({ definition, columnsByProperty, navigations }: TableModel, path: string): boolean =>
  path === definition.primaryIdColumn ||
  columnsByProperty.has(path) ||
  navigations.some(({ name }) => path.startsWith(`${name}/`));

/** A column of the row a lookup points at; of several tables it may point at, one must have it. */
function relatedProperty(database: Database, model: TableModel, name: string, path: string): FilterProperty<Row> {
  const navigation = model.navigations.find((item) => item.name === name);
  if (navigation === undefined) throw unknownProperty(model, name);
  const properties = new Map<string, FilterProperty<Row>>();
  for (const target of navigation.targets) {
    const related = database.table(target)?.model;
    if (related !== undefined && hasProperty(related, path))
      properties.set(target, rowProperty(database, related, path));
  }
  const [first] = properties.values();
  if (first === undefined) throw unknownProperty(model, `${name}/${path}`);
  return {
    read: (row) => {
      const reference = row.values[navigation.column.ordinal];
      if (!isReference(reference)) return null;
      const related = database.table(reference.table)?.get(reference.id);
      return related === undefined ? null : (properties.get(reference.table)?.read(related) ?? null);
    },
    type: first.type,
  };
}

function rowSubject(database: Database, model: TableModel): FilterSubject<Row> {
  return {
    property: (path) => rowProperty(database, model, path),
    collection: (name) => rowCollection(database, model, name),
  };
}

function rowCollection(database: Database, model: TableModel, name: string): FilterCollection<Row> {
  const collection = database.collections(model.logicalName).get(name);
  const store = collection === undefined ? undefined : database.table(collection.table);
  if (collection === undefined || store === undefined) throw unknownProperty(model, name);
  let index: ReadonlyMap<string, readonly Row[]> | undefined;
  const result: FilterCollection<Row, Row> = {
    items: (row) => (index ??= relatedById(database, collection)).get(row.id) ?? [],
    subject: rowSubject(database, store.model),
  };
  return result as unknown as FilterCollection<Row>;
}

/** `$filter` of a table as a test, and the rows that can pass it where its keys tell. */
export interface RowFilter {
  readonly matches: (row: Row) => boolean;
  /** `undefined`: any row may match. */
  readonly candidates: (() => readonly Row[]) | undefined;
}

export function rowFilter(
  database: Database,
  store: TableStore,
  query: ReadonlyMap<string, string>,
): RowFilter | undefined {
  const text = query.get('$filter');
  if (text === undefined || text.trim() === '') return undefined;
  const expression = parseFilter(text, query);
  return {
    matches: compileExpression(expression, rowSubject(database, store.model)),
    candidates: candidatesByKey(store, expression),
  };
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
  readonly filter: RowFilter | undefined;
  readonly order: readonly Order[];
  readonly after: PagePosition | undefined;
  readonly limit: number;
}

/** Up to `limit` rows behind the position, in the wanted order and then by id; one more tells that there is a next page. */
export function selectRows(database: Database, store: TableStore, selection: Selection): readonly Row[] {
  return selection.order.length === 0 ? selectById(store, selection) : selectOrdered(database, store, selection);
}

function selectById(store: TableStore, { filter, after, limit }: Selection): readonly Row[] {
  const rows: Row[] = [];
  for (const row of rowsById(store, filter, after?.lastId)) {
    if (rows.length >= limit) break;
    if (filter === undefined || filter.matches(row)) rows.push(row);
  }
  return rows;
}

function* rowsById(store: TableStore, filter: RowFilter | undefined, lastId: string | undefined): Generator<Row> {
  const few = filter?.candidates?.();
  if (few !== undefined) {
    const byKey = new Map(few.map((row) => [store.keyOf(row), row]));
    const keys = [...byKey.keys()].sort();
    for (const key of keys.slice(lastId === undefined ? 0 : firstAbove(keys, lastId))) {
      const row = byKey.get(key);
      if (row !== undefined) yield row;
    }
    return;
  }
  const keys = store.sortedIds();
  for (let index = lastId === undefined ? 0 : firstAbove(keys, lastId); index < keys.length; index += 1) {
    const row = store.getByKey(keys[index] ?? '');
    if (row !== undefined) yield row;
  }
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
  { filter, order, after, limit }: Selection,
): readonly Row[] {
  const readers = order.map(({ name }) => rowProperty(database, store.model, name).read);
  const keyed = matchingRows(store, filter)
    .map((row) => ({ row, key: store.keyOf(row), keys: readers.map((read) => read(row)) }))
    .sort((a, b) => compareKeys(order, a.keys, b.keys) || compareScalars(a.key, b.key));
  const start =
    after === undefined
      ? 0
      : keyed.findIndex(
          ({ key, keys }) => (compareKeys(order, keys, after.orderValues) || compareScalars(key, after.lastId)) > 0,
        );
  return start < 0 ? [] : keyed.slice(start, start + limit).map(({ row }) => row);
}

/** Every row that a filter lets through, in no order. */
export function matchingRows(store: TableStore, filter: RowFilter | undefined): readonly Row[] {
  const rows = filter?.candidates?.() ?? [...store.rows()];
  return filter === undefined ? rows : rows.filter(filter.matches);
}

/** In the wanted order, then by key. */
export function compareRows(
  database: Database,
  store: TableStore,
  order: readonly Order[],
): (left: Row, right: Row) => number {
  const readers = order.map(({ name }) => rowProperty(database, store.model, name).read);
  const keysOf = (row: Row): readonly Scalar[] => readers.map((read) => read(row));
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
