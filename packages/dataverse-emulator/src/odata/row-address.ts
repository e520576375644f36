import { errorCodes, ODataError, payloadError, resourceNotFound } from '../errors.ts';
import type { Column, Key, TableModel } from '../schema/table-model.ts';
import type { Value } from '../schema/values.ts';
import { decodeUrl } from './decode-url.ts';
import { isGuid } from '../basics/guid.ts';
import { numberOf } from '../basics/json.ts';
import type { Database } from '../store/database.ts';
import type { Row, TableStore } from '../store/table-store.ts';

/** How a URL, an `@odata.id` or a bind names one row. */
export type RowAddress =
  | { readonly kind: 'id'; readonly id: string; readonly partition?: string }
  | {
      readonly kind: 'key';
      readonly key: Key;
      /** What the key columns are compared with. */
      readonly keyValue: string | undefined;
      readonly values: ReadonlyMap<Column, Value>;
      /** As it was written, for answers and the journal. */
      readonly text: string;
    };

/** Characters in key values that the real service cannot take in a URL, encoded or not. */
const breaksUrl = /[/<>*%&:\\?+]/;
const singleText = /^([a-z_][\w]*)='((?:[^']|'')*)'$/i;
const partPattern = /([a-z_]\w*)=('(?:[^']|'')*'|[^,']+)(?:,|$)/iy;

/**
 * Reads what stands between the parentheses of `set(...)`. `place` tells whether the text came from a URL path, where some
 * characters are refused. Throws `ODataError` 400 for names that are no key of the table.
 */
export function parseRowAddress(model: TableModel, predicate: string, place: 'url' | 'body'): RowAddress {
  if (isGuid(predicate)) return { kind: 'id', id: predicate.toLowerCase() };
  const parts = splitPredicate(predicate);
  if (parts === undefined) throw badPredicate(model);
  if (place === 'url' && parts.some(([, literal]) => breaksUrl.test(literal))) {
    throw new ODataError(
      400,
      errorCodes.urlNotParsed,
      'A potentially dangerous Request.Path value was detected from the client.',
    );
  }
  return primaryAddress(model, parts) ?? keyAddress(model, parts, predicate);
}

function badPredicate(model: TableModel): ODataError {
  return new ODataError(
    400,
    errorCodes.urlNotParsed,
    `The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.${model.logicalName}'. Ensure that the names and number of key properties match the declared or alternate key properties for the resource 'Microsoft.Dynamics.CRM.${model.logicalName}'.`,
  );
}

type Part = readonly [name: string, literal: string];

function splitPredicate(predicate: string): readonly Part[] | undefined {
  const single = singleText.exec(predicate);
  if (single !== null) return [[single[1] ?? '', `'${single[2] ?? ''}'`]];
  const parts: Part[] = [];
  partPattern.lastIndex = 0;
  while (partPattern.lastIndex < predicate.length) {
    const match = partPattern.exec(predicate);
    if (match === null) return undefined;
    parts.push([match[1] ?? '', (match[2] ?? '').trim()]);
  }
  return parts.length === 0 ? undefined : parts;
}

function primaryAddress(model: TableModel, parts: readonly Part[]): RowAddress | undefined {
  const idPart = parts.find(([name]) => name === model.definition.primaryIdColumn);
  if (idPart === undefined || !isGuid(idPart[1])) return undefined;
  const id = idPart[1].toLowerCase();
  // learn.microsoft.com/power-apps/developer/data-platform/use-alternate-key-reference-record
  const isNamed = parts.length === 1 && !['systemuser', 'team'].includes(model.logicalName);
  if (isNamed) return { kind: 'id', id };
  const partition = parts.find(([name]) => name === 'partitionid')?.[1];
  return model.isElastic && parts.length === 2 && partition !== undefined
    ? { kind: 'id', id, partition: unquote(partition) }
    : undefined;
}

function keyAddress(model: TableModel, parts: readonly Part[], text: string): RowAddress {
  const columnOf = (name: string): Column | undefined => model.columnsByProperty.get(name);
  const key = model.keys.find(
    ({ columns }) =>
      columns.length === parts.length && parts.every(([name]) => columns.some((column) => column.property === name)),
  );
  if (key === undefined) throw badPredicate(model);
  if (key.definition.status !== 'Active') {
    throw new ODataError(
      400,
      errorCodes.entityKeyNotDefined,
      `The specified key attributes are not a defined key for the ${model.logicalName} entity`,
    );
  }
  const values = new Map<Column, Value>();
  const all: Value[] = [];
  for (const [name, literal] of parts) {
    const column = columnOf(name);
    if (column === undefined) throw badPredicate(model);
    const value = literalValue(model, column, literal);
    values.set(column, value);
    all[column.ordinal] = value;
  }
  return { kind: 'key', key, keyValue: key.valueOf(all), values, text };
}

const unquote = (literal: string): string =>
  literal.startsWith("'") ? literal.slice(1, -1).replaceAll("''", "'") : literal;

function literalValue(model: TableModel, column: Column, literal: string): Value {
  if (literal === 'null') return null;
  if (column.isLookup) {
    if (!isGuid(literal)) throw badPredicate(model);
    return { id: literal.toLowerCase(), table: column.definition.targets?.[0] ?? '' };
  }
  const isQuoted = literal.startsWith("'");
  const isText = column.definition.type === 'String';
  if (isText !== isQuoted) throw badPredicate(model);
  if (isText) return unquote(literal);
  return column.parse(column.definition.type === 'DateTime' ? literal : numberOf(literal));
}

export function findRow(store: TableStore, address: RowAddress): Row | undefined {
  if (address.kind === 'id') {
    return store.get(address.id, address.partition);
  }
  return address.keyValue === undefined ? undefined : store.findByKey(address.key, address.keyValue);
}

/** The key part of a row's address as the journal keeps it. */
export function addressKey(address: RowAddress): string | null {
  return address.kind === 'key' ? address.text : null;
}

/** A reference in a body: `set(key)`, `/set(key)`, an absolute path or a full URL. */
export function parseReference(
  database: Database,
  text: string,
  entitySetName: string,
): { readonly store: TableStore; readonly address: RowAddress } {
  const isAbsolute = text.startsWith('http') || text.startsWith('/api/');
  const decoded = isAbsolute ? decodeUrl(text).replace(/^.*?\/api\/data\/v[\d.]+\//, '') : text;
  const start = decoded.startsWith('/') ? 1 : 0;
  const open = decoded.indexOf('(');
  if (open < 0 || !decoded.endsWith(')')) {
    throw payloadError(entitySetName, `The value '${text}' is not a valid reference to an entity.`);
  }
  const setName = decoded.slice(start, open);
  const store = database.tableBySet(setName);
  if (store === undefined) throw resourceNotFound(setName);
  return { store, address: parseRowAddress(store.model, decoded.slice(open + 1, -1), 'body') };
}
