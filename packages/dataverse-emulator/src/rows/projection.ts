import { errorCodes, ODataError } from '../errors.ts';
import type { Column, TableModel } from '../schema/table-model.ts';
import type { ApiRequest } from '../operations/operation.ts';
import type { Projection } from './read-row.ts';

/** `$select` as columns. Throws 400 for a name the table does not have. */
export function projection(
  model: TableModel,
  request: ApiRequest,
): { readonly shape: Projection; readonly contextColumns: string } {
  const withAnnotations = request.preferences.annotations !== undefined;
  const select = request.path.query.get('$select');
  if (select === undefined || select === '' || select === '*') {
    return { shape: { columns: model.columns, withAnnotations }, contextColumns: '' };
  }
  const names = select.split(',').map((name) => name.trim());
  return {
    shape: { columns: names.flatMap((name) => selectedColumn(model, name)), withAnnotations },
    contextColumns: `(${names.join(',')})`,
  };
}

function selectedColumn(model: TableModel, name: string): readonly Column[] {
  if (name === model.definition.primaryIdColumn) return [];
  const column = model.columnsByProperty.get(name) ?? model.columnsByName.get(name);
  if (column === undefined) throw unknownProperty(model, name);
  return [column];
}

export function unknownProperty(model: TableModel, name: string): ODataError {
  return new ODataError(
    400,
    errorCodes.urlNotParsed,
    `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${model.logicalName}'.`,
  );
}
