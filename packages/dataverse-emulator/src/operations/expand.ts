import { splitOutsideQuotes } from '../odata/resource-path.ts';
import type { Column, TableModel } from '../schema/table-model.ts';
import { isReference } from '../schema/values.ts';
import type { Database } from '../store/database.ts';
import type { Row } from '../store/table-store.ts';
import { unknownProperty } from './projection.ts';
import { rowToJson } from './read-row.ts';

export interface ExpandItem {
  readonly name: string;
  readonly column: Column;
  readonly targets: readonly string[];
  readonly select: readonly string[] | undefined;
}

/** `$expand` of single-valued navigation properties, one level. Throws 400 for names the table does not have. */
export function parseExpand(model: TableModel, database: Database, text: string | undefined): readonly ExpandItem[] {
  if (text === undefined || text === '') return [];
  return splitOutsideQuotes(text, ',').map((part) => {
    const open = part.indexOf('(');
    const name = (open < 0 ? part : part.slice(0, open)).trim();
    const options = open < 0 ? '' : part.trim().slice(open + 1, -1);
    const navigation = model.navigations.find((item) => item.name === name);
    if (navigation === undefined) throw unknownProperty(model, name);
    const select = splitOutsideQuotes(options, ';')
      .find((option) => option.trim().startsWith('$select='))
      ?.trim()
      .slice('$select='.length)
      .split(',');
    for (const target of navigation.targets) assertColumns(database, target, select ?? []);
    return { name, column: navigation.column, targets: navigation.targets, select };
  });
}

function assertColumns(database: Database, target: string, names: readonly string[]): void {
  const model = database.table(target)?.model;
  if (model === undefined) return;
  for (const name of names) {
    if (name !== model.definition.primaryIdColumn && !model.columnsByProperty.has(name))
      throw unknownProperty(model, name);
  }
}

export function expandRow(database: Database, row: Row, items: readonly ExpandItem[]): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const { name, column, targets, select } of items) {
    const value = row.values[column.ordinal];
    const isHere = isReference(value) && targets.includes(value.table);
    const store = isHere ? database.table(value.table) : undefined;
    const related = isHere ? store?.get(value.id) : undefined;
    if (store === undefined || related === undefined) {
      json[name] = null;
      continue;
    }
    const columns =
      select === undefined
        ? store.model.columns
        : select.flatMap((item) => store.model.columnsByProperty.get(item) ?? []);
    json[name] = rowToJson(store.model, related, { columns, withAnnotations: false });
  }
  return json;
}
