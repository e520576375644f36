import { ExactNumber } from '../basics/json.ts';
import { isNumeric } from '../schema/number-values.ts';
import type { Column, TableModel } from '../schema/table-model.ts';
import { isReference, type Value } from '../schema/values.ts';
import type { Row } from '../store/table-store.ts';

/** Which columns an answer shows: all when nothing was selected. The primary id always comes. */
export interface Projection {
  readonly columns: readonly Column[];
  /** Formatted values and lookup tables were asked for. */
  readonly withAnnotations: boolean;
}

/** A number on standard tables; on elastic ones the text that their store gives. */
export function etag({ isElastic }: TableModel, { version }: Row): string {
  if (!isElastic) return `W/"${version}"`;
  const text = version.toString(16).padStart(8, '0');
  return `W/"${text.slice(-8)}-0000-0200-0000-${text.padStart(12, '0').slice(-12)}"`;
}

/** A row as JSON of the Web API. */
export function rowToJson(
  model: TableModel,
  row: Row,
  { columns, withAnnotations }: Projection,
): Record<string, unknown> {
  const json: Record<string, unknown> = { '@odata.etag': etag(model, row) };
  for (const column of columns) {
    const value = column.name === 'versionnumber' ? row.version : (row.values[column.ordinal] ?? null);
    if (withAnnotations && value !== null) annotate(json, column, value);
    json[column.property] = jsonOf(column, value);
  }
  json[model.definition.primaryIdColumn] = row.id;
  return json;
}

/** A value as JSON shows it. Numbers that a double cannot hold are stored as their digits. */
export function jsonOf({ definition }: Column, value: Value): unknown {
  if (isReference(value)) return value.id;
  return typeof value === 'string' && isNumeric(definition) ? new ExactNumber(value) : value;
}

function annotate(json: Record<string, unknown>, column: Column, value: NonNullable<Value>): void {
  if (isReference(value)) {
    json[`${column.property}@Microsoft.Dynamics.CRM.lookuplogicalname`] = value.table;
    return;
  }
  const formatted = formattedValue(column, value);
  if (formatted !== undefined) json[`${column.property}@OData.Community.Display.V1.FormattedValue`] = formatted;
}

function formattedValue(column: Column, value: string | number | boolean): string | undefined {
  const { options, type } = column.definition;
  if (type === 'Boolean') return value === true ? 'Yes' : 'No';
  if (options === undefined) {
    if (typeof value === 'number') return value.toLocaleString('en-US');
    return typeof value === 'string' && type === 'BigInt' ? BigInt(value).toLocaleString('en-US') : undefined;
  }
  const labelOf = (number: number): string =>
    options.find((option) => option.value === number)?.label ?? String(number);
  if (type === 'MultiSelectPicklist') return String(value).split(',').map(Number).map(labelOf).join('; ');
  return labelOf(Number(value));
}
