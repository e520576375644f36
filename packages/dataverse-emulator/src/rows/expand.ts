import { errorCodes, ODataError } from '../errors.ts';
import { splitOutsideQuotes } from '../odata/resource-path.ts';
import type { Collection } from '../schema/collections.ts';
import type { Column, Navigation, TableModel } from '../schema/table-model.ts';
import { isReference } from '../schema/values.ts';
import type { Database } from '../store/database.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { topOf } from '../odata/top.ts';
import { unknownProperty } from './projection.ts';
import { rowToJson } from './read-row.ts';
import { compareRows, parseOrder, relatedById, rowFilter } from './row-query.ts';

/** Gives what an expanded property shows of a row. */
type Expand = (row: Row) => unknown;

export type Expansions = readonly { readonly name: string; readonly show: Expand }[];

/** `$expand`, one level. Throws 400 for names the table does not have. */
export function parseExpand(model: TableModel, database: Database, text: string | undefined): Expansions {
  if (text === undefined || text === '') return [];
  return splitOutsideQuotes(text, ',').map((part) => {
    const open = part.indexOf('(');
    const name = (open < 0 ? part : part.slice(0, open)).trim();
    const options = parseOptions(open < 0 ? '' : part.trim().slice(open + 1, -1));
    const navigation = model.navigations.find((item) => item.name === name);
    if (navigation !== undefined) return { name, show: expandOne(database, navigation, options) };
    const collection = database.collections(model.logicalName).get(name);
    if (collection === undefined) throw unknownProperty(model, name);
    return { name, show: expandMany(database, collection, options) };
  });
}

function parseOptions(text: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const option of splitOutsideQuotes(text, ';')) {
    if (option.trim() === '') continue;
    const equals = option.indexOf('=');
    const name = option.slice(0, equals).trim();
    if (!['$select', '$filter', '$orderby', '$top'].includes(name)) {
      throw new ODataError(400, errorCodes.urlNotParsed, `The option ${name} is not supported inside $expand.`);
    }
    options.set(name, option.slice(equals + 1));
  }
  return options;
}

function columnsOf(model: TableModel, select: string | undefined): readonly Column[] {
  if (select === undefined) return model.columns;
  return select.split(',').flatMap((item) => {
    const name = item.trim();
    if (name === model.definition.primaryIdColumn) return [];
    const column = model.columnsByProperty.get(name);
    if (column === undefined) throw unknownProperty(model, name);
    return [column];
  });
}

function expandOne(database: Database, navigation: Navigation, options: ReadonlyMap<string, string>): Expand {
  const stores = navigation.targets.flatMap((target) => database.table(target) ?? []);
  const shown = new Map(stores.map((store) => [store, columnsOf(store.model, options.get('$select'))]));
  return (row) => {
    const value = row.values[navigation.column.ordinal];
    const isHere = isReference(value) && navigation.targets.includes(value.table);
    const store = isHere ? database.table(value.table) : undefined;
    const related = isHere ? store?.get(value.id) : undefined;
    if (store === undefined || related === undefined) return null;
    return rowToJson(store.model, related, { columns: shown.get(store) ?? [], withAnnotations: false });
  };
}

function expandMany(database: Database, collection: Collection, options: ReadonlyMap<string, string>): Expand {
  const store = database.table(collection.table);
  if (store === undefined) return () => [];
  const columns = columnsOf(store.model, options.get('$select'));
  const filter = rowFilter(database, store, options);
  const sort = sorter(database, store, options.get('$orderby'));
  const top = topOf(options.get('$top')) ?? Infinity;
  const index = relatedById(database, collection);
  return (row) =>
    sort((index.get(row.id) ?? []).filter((related) => filter === undefined || filter.matches(related)))
      .slice(0, top)
      .map((related) => rowToJson(store.model, related, { columns, withAnnotations: false }));
}

function sorter(database: Database, store: TableStore, text: string | undefined): (rows: Row[]) => Row[] {
  const order = parseOrder(store.model, text);
  return (rows) => rows.sort(compareRows(database, store, order));
}

export function expandRow(row: Row, items: Expansions): Record<string, unknown> {
  return Object.fromEntries(items.map(({ name, show }) => [name, show(row)]));
}
