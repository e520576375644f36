import { errorCodes, ODataError } from '../errors.ts';
import type { TableModel } from '../schema/table-model.ts';
import type { Value } from '../schema/values.ts';
import type { JsonObject } from '../basics/json.ts';
import type { WriteContext } from './write-row.ts';

export function assertRequired(context: WriteContext, model: TableModel, values: readonly Value[]): void {
  if (model.requiredColumns.length === 0 || !context.environment.settings().enforceRequired) return;
  for (const { name, ordinal } of model.requiredColumns) {
    if (values[ordinal] === null || values[ordinal] === undefined) {
      throw new ODataError(400, errorCodes.requiredFieldMissing, `Required field '${name}' is missing`);
    }
  }
}

export function set(model: TableModel, values: Value[], name: string, value: Value): void {
  const column = model.columnsByName.get(name);
  if (column !== undefined) values[column.ordinal] = value;
}

function get(model: TableModel, values: readonly Value[], name: string): Value {
  const column = model.columnsByName.get(name);
  return column === undefined ? null : (values[column.ordinal] ?? null);
}

export function stampCreated(context: WriteContext, model: TableModel, values: Value[]): void {
  const overridden = get(model, values, 'overriddencreatedon');
  set(
    model,
    values,
    'createdon',
    typeof overridden === 'string' ? `${overridden.slice(0, 10)}T00:00:00Z` : context.now,
  );
  set(model, values, 'createdby', context.stampUser);
  if (get(model, values, 'ownerid') === null) set(model, values, 'ownerid', context.stampUser);
  if (get(model, values, 'statecode') === null) set(model, values, 'statecode', 0);
  if (get(model, values, 'statuscode') === null) set(model, values, 'statuscode', defaultStatus(model, 0));
  if (context.caller.impersonatedUserId !== undefined) {
    set(model, values, 'createdonbehalfby', { id: context.caller.systemUserId, table: 'systemuser' });
  }
  stampModified(context, model, values);
}

export function stampModified(context: WriteContext, model: TableModel, values: Value[]): void {
  set(model, values, 'modifiedon', context.now);
  set(model, values, 'modifiedby', context.stampUser);
}

function statusOptions(model: TableModel): readonly { readonly value: number; readonly state?: number }[] {
  return model.columnsByName.get('statuscode')?.definition.options ?? [];
}

function defaultStatus(model: TableModel, state: Value): number | null {
  return statusOptions(model).find((option) => option.state === state)?.value ?? null;
}

/** State and status must fit; a state sent alone brings its default status, a status sent alone its state. */
export function settleState(model: TableModel, values: Value[], body: JsonObject): void {
  const status = get(model, values, 'statuscode');
  const stateOfStatus = statusOptions(model).find((option) => option.value === status)?.state;
  const hasState = body['statecode'] !== undefined;
  const hasStatus = body['statuscode'] !== undefined;
  for (const name of ['statecode', 'statuscode']) {
    if (body[name] === null)
      throw new ODataError(400, errorCodes.requiredFieldMissing, `Required field '${name}' is missing`);
  }
  const state = get(model, values, 'statecode') ?? 0;
  if (hasState && hasStatus && stateOfStatus !== state) {
    throw new ODataError(
      400,
      errorCodes.stateStatusMismatch,
      `${JSON.stringify(status)} is not a valid status code for state code ${model.logicalName}State.${JSON.stringify(state)} on ${model.logicalName}.`,
    );
  }
  if (hasState && !hasStatus && stateOfStatus !== state) set(model, values, 'statuscode', defaultStatus(model, state));
  if (hasStatus && !hasState && stateOfStatus !== undefined) set(model, values, 'statecode', stateOfStatus);
}

export function deriveFullName(model: TableModel, values: Value[]): void {
  if (model.logicalName !== 'contact') return;
  const parts = [get(model, values, 'firstname'), get(model, values, 'lastname')].filter(
    (part) => typeof part === 'string',
  );
  set(model, values, 'fullname', parts.length === 0 ? null : parts.join(' '));
}
