import { errorCodes, keyDoesNotExist, ODataError, payloadError, rowDoesNotExist } from '../errors.ts';
import { findRow, parseReference, type RowAddress } from '../odata/row-address.ts';
import type { Column, Property, TableModel } from '../schema/table-model.ts';
import { type Reference, type Value } from '../schema/values.ts';
import { createGuid, isGuid } from '../basics/guid.ts';
import type { JsonObject } from '../basics/json.ts';
import { PluginPipeline } from '../plugins/plugin-pipeline.ts';
import type { Transaction } from '../store/database.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { createRelated, createTarget, relatedRows } from './deep-insert.ts';
import { assertNoDuplicate } from './duplicate-detection.ts';
import { setBaseAmounts } from './money.ts';
import { assertRequired, deriveFullName, set, settleState, stampCreated, stampModified } from './system-values.ts';
import { iso, toldNowMs, type ApiRequest, type Caller, type Environment } from '../operations/operation.ts';

/** What writing rows of one request needs; made once per request. */
export interface WriteContext {
  readonly environment: Environment;
  readonly transaction: Transaction;
  readonly caller: Caller;
  readonly now: string;
  readonly stampUser: Reference;
  /** `undefined` when nothing is registered. */
  readonly plugins: PluginPipeline | undefined;
  /** Duplicate detection is suppressed unless a request asks for it. */
  readonly detectsDuplicates: boolean;
}

export function writeContext(environment: Environment, transaction: Transaction, request: ApiRequest): WriteContext {
  const { caller, headers } = request;
  const id = caller.impersonatedUserId ?? caller.systemUserId;
  return {
    environment,
    transaction,
    caller,
    now: iso(toldNowMs(environment)),
    stampUser: { id, table: 'systemuser' },
    plugins:
      environment.settings().plugins.length === 0 ? undefined : new PluginPipeline(environment, request, transaction),
    detectsDuplicates: headers['mscrm.suppressduplicatedetection']?.toLowerCase() === 'false',
  };
}

/**
 * Creates a row from a body, and the related rows inside it. An address by alternate key fills the key columns that the body
 * leaves out; `preset` is what the place of the row inside another gives.
 */
export function createRow(
  context: WriteContext,
  store: TableStore,
  body: JsonObject,
  address?: RowAddress,
  preset?: ReadonlyMap<Column, Value>,
): Row {
  const { model } = store;
  const values: Value[] = new Array<Value>(model.columns.length).fill(null);
  if (address?.kind === 'key') for (const [column, value] of address.values) values[column.ordinal] = value;
  if (address?.kind === 'id' && address.partition !== undefined) set(model, values, 'partitionid', address.partition);
  if (preset !== undefined) for (const [column, value] of preset) values[column.ordinal] = value;
  const hasRelated = applyBody(context, model, values, body, 'create');
  assertRequired(context, model, values);
  stampCreated(context, model, values);
  if (model.moneyColumns.length > 0) setBaseAmounts(context.environment.database, model, values);
  const id = address?.kind === 'id' ? address.id : (bodyId(model, body) ?? createGuid(context.environment.random));
  context.plugins?.run(model, model.isElastic && address !== undefined ? 'Upsert' : 'Create', body);
  if (context.detectsDuplicates) assertNoDuplicate(context.environment, store, id, values);
  const row = context.transaction.insert(store, id, values, address?.kind === 'key' ? address.text : null);
  if (hasRelated) createRelated(context, store, row, body);
  return row;
}

/** Changes the columns that the body names. Key columns of the address are left alone whatever the body says. */
export function updateRow(
  context: WriteContext,
  store: TableStore,
  before: Row,
  body: JsonObject,
  address?: RowAddress,
): Row {
  const { model } = store;
  const values = before.values.slice();
  applyBody(context, model, values, body, 'update');
  keepPartition(model, before, values);
  if (address?.kind === 'key')
    for (const column of address.values.keys()) values[column.ordinal] = before.values[column.ordinal] ?? null;
  stampModified(context, model, values);
  if (model.moneyColumns.length > 0) setBaseAmounts(context.environment.database, model, values);
  context.plugins?.run(model, 'Update', body);
  if (context.detectsDuplicates) assertNoDuplicate(context.environment, store, before.id, values);
  return context.transaction.update(store, before, values, address?.kind === 'key' ? address.text : null);
}

/** A row stays in the partition it was created in, whatever a body says. */
function keepPartition(model: TableModel, before: Row, values: Value[]): void {
  const column = model.isElastic ? model.columnsByName.get('partitionid') : undefined;
  if (column !== undefined) values[column.ordinal] = before.values[column.ordinal] ?? null;
}

/** An elastic upsert replaces the whole row: columns not sent are lost. */
export function replaceRow(context: WriteContext, store: TableStore, before: Row, body: JsonObject): Row {
  const { model } = store;
  const values: Value[] = new Array<Value>(model.columns.length).fill(null);
  for (const name of ['createdon', 'createdby', 'ownerid', 'partitionid']) {
    const column = model.columnsByName.get(name);
    if (column !== undefined) values[column.ordinal] = before.values[column.ordinal] ?? null;
  }
  applyBody(context, model, values, body, 'update');
  keepPartition(model, before, values);
  stampModified(context, model, values);
  context.plugins?.run(model, 'Upsert', body);
  return context.transaction.update(store, before, values, null);
}

/** Deletes a row; `key` is how the request named it when not by its primary key. */
export function deleteExisting(context: WriteContext, store: TableStore, row: Row, key: string | null = null): void {
  context.plugins?.run(store.model, 'Delete', {});
  context.transaction.delete(store, row, key);
}

/** The row a body names by its primary key, and in an elastic table by its partition; `undefined` without primary key. */
export function bodyAddress(
  model: TableModel,
  body: JsonObject,
): { readonly kind: 'id'; readonly id: string; readonly partition?: string } | undefined {
  const id = bodyId(model, body);
  if (id === undefined) return undefined;
  const partition = model.isElastic ? body['partitionid'] : undefined;
  return typeof partition === 'string' ? { kind: 'id', id, partition } : { kind: 'id', id };
}

/** The primary key a body carries, checked; `undefined` when there is none. */
export function bodyId(model: TableModel, body: JsonObject): string | undefined {
  const raw = body[model.definition.primaryIdColumn];
  if (raw === undefined || raw === null) return undefined;
  if (typeof raw === 'string' && isGuid(raw)) return raw.toLowerCase();
  throw payloadError(
    model.entitySetName,
    `Cannot convert the literal ${JSON.stringify(raw)} to the expected type 'Edm.Guid'.`,
  );
}

/** True when the body holds related rows that are still to be created. */
function applyBody(
  context: WriteContext,
  model: TableModel,
  values: Value[],
  body: JsonObject,
  way: 'create' | 'update',
): boolean {
  let touchesState = false;
  let hasRelated = false;
  for (const name in body) {
    const property = model.properties.get(name);
    if (property === undefined) {
      if (way === 'create' && relatedRows(context, model, name, body[name]) !== undefined) hasRelated = true;
      else assertIgnorable(model, name);
      continue;
    }
    if (property.kind === 'primaryId') continue;
    const { definition } = property.column;
    if (definition.readOnly === true) {
      assertReadOnlyIgnored(context, model, property.column);
      continue;
    }
    if (definition.type === 'State' || definition.type === 'Status') touchesState = true;
    values[property.column.ordinal] = propertyValue(context, model, property, body[name], way);
  }
  if (touchesState) settleState(model, values, body);
  deriveFullName(model, values);
  return hasRelated;
}

function assertReadOnlyIgnored(context: WriteContext, model: TableModel, { name }: Column): void {
  if (context.environment.settings().readOnlyColumns === 'ignore') return;
  throw new ODataError(400, errorCodes.invalidArgument, `The column ${name} of ${model.logicalName} is read-only.`);
}

function propertyValue(
  context: WriteContext,
  model: TableModel,
  property: Property,
  raw: unknown,
  way: 'create' | 'update',
): Value {
  switch (property.kind) {
    case 'primaryId':
      return null;
    case 'column':
      return property.column.parse(raw);
    case 'navigation':
      return raw === null ? null : createTarget(context, model, property, raw, way);
    case 'bind':
      return resolveBind(context, model, property.targets, raw);
  }
}

function assertIgnorable(model: TableModel, name: string): void {
  const at = name.indexOf('@');
  if (at < 0) {
    throw payloadError(
      model.entitySetName,
      `Microsoft.Crm.CrmException: Invalid property '${name}' was found in entity 'Microsoft.Dynamics.CRM.${model.logicalName}'.`,
    );
  }
  if (name.endsWith('@odata.bind')) {
    throw payloadError(
      model.entitySetName,
      `An undeclared property '${name.slice(0, at)}' which only has property annotations in the payload but no property value was found in the payload. In OData, only declared navigation properties and declared named streams can be represented as properties without values.`,
    );
  }
}

function resolveBind(context: WriteContext, model: TableModel, targets: readonly string[], raw: unknown): Reference {
  if (typeof raw !== 'string') {
    throw payloadError(
      model.entitySetName,
      "The 'odata.bind' instance or property annotation has a null value. In OData, the 'odata.bind' instance or property annotation must have a non-null string value.",
    );
  }
  return resolveReference(context.environment, model, targets, raw);
}

/** The row a reference names. Throws 404 when it does not exist, 400 when it is of a table the lookup does not take. */
export function resolveReference(
  environment: Environment,
  model: TableModel,
  targets: readonly string[],
  text: string,
): Reference {
  const { store, address } = parseReference(environment.database, text, model.entitySetName);
  const table = store.model.logicalName;
  if (!targets.includes(table)) {
    throw payloadError(model.entitySetName, `A ${table} row was given where one of ${targets.join(', ')} is expected.`);
  }
  const row = findRow(store, address);
  if (row !== undefined) return { id: row.id, table };
  throw address.kind === 'id' ? rowDoesNotExist(table, address.id) : keyDoesNotExist(table);
}
