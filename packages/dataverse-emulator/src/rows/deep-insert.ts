import { assertPrivileges } from '../auth/privileges.ts';
import { payloadError } from '../errors.ts';
import type { Property, TableModel } from '../schema/table-model.ts';
import type { Reference } from '../schema/values.ts';
import { isJsonObject, type JsonObject } from '../basics/json.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { createRow, type WriteContext } from './write-row.ts';

/** The rows inside a collection-valued navigation property of a body; `undefined` when the name is none of the table's. */
export function relatedRows(
  { environment }: WriteContext,
  model: TableModel,
  name: string,
  raw: unknown,
): readonly JsonObject[] | undefined {
  if (!environment.database.collections(model.logicalName).has(name)) return undefined;
  if (Array.isArray(raw) && raw.every(isJsonObject)) return raw;
  throw payloadError(model.entitySetName, `A list of objects was expected in the navigation property '${name}'.`);
}

/**
 * Creates the rows inside the collections of a body that has just become a row, in the same transaction.
 * learn.microsoft.com/power-apps/developer/data-platform/webapi/create-entity-web-api (related rows in one operation)
 */
export function createRelated(context: WriteContext, store: TableStore, parent: Row, body: JsonObject): void {
  const { database } = context.environment;
  for (const [name, raw] of Object.entries(body)) {
    const collection = database.collections(store.model.logicalName).get(name);
    const child = collection === undefined ? undefined : database.table(collection.table);
    if (collection === undefined || child === undefined) continue;
    const preset = new Map([[collection.navigation.column, { id: parent.id, table: store.model.logicalName }]]);
    assertPrivileges(context.caller, child.model, 'POST');
    for (const row of relatedRows(context, store.model, name, raw) ?? [])
      createRow(context, child, row, undefined, preset);
  }
}

/** Creates the one row inside a single-valued navigation property of a row that is being created. */
export function createTarget(
  context: WriteContext,
  model: TableModel,
  { targets }: Property & { readonly kind: 'navigation' },
  raw: unknown,
  way: 'create' | 'update',
): Reference {
  const [table = ''] = targets;
  const store = context.environment.database.table(table);
  if (way === 'update' || store === undefined || !isJsonObject(raw)) {
    throw payloadError(
      model.entitySetName,
      'A single-valued navigation property takes an object on create, and null on update.',
    );
  }
  assertPrivileges(context.caller, store.model, 'POST');
  return { id: createRow(context, store, raw).id, table };
}
