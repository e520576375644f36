import { createHash } from 'node:crypto';
import { systemColumnNames } from '../schema/system-columns.ts';
import type { TableStore } from './table-store.ts';

/**
 * SHA-256 of a table's content. Without `columns`: every column that clients write and that is not a system column, and the primary id. With it: only
 * those, so that two loads that chose different ids can be compared. Rows count in sorted order of their text.
 */
export function hashTable(store: TableStore, columns?: readonly string[]): string {
  const { model } = store;
  const chosen =
    columns ??
    model.columns
      .filter(({ name, definition }) => !systemColumnNames.has(name) && definition.readOnly !== true)
      .map(({ name }) => name);
  const ordinals = chosen.flatMap((name) => model.columnsByName.get(name)?.ordinal ?? []);
  const withId = columns === undefined || columns.includes(model.definition.primaryIdColumn);
  const lines: string[] = [];
  for (const row of store.rows()) {
    const values = ordinals.map((ordinal) => row.values[ordinal] ?? null);
    lines.push(JSON.stringify(withId ? [row.id, ...values] : values));
  }
  const hash = createHash('sha256');
  for (const line of lines.sort()) hash.update(line).update('\n');
  return hash.digest('hex');
}
