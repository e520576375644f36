import { columnParser, type ParseValue } from './column-values.ts';
import type { ColumnDefinition, KeyDefinition, TableDefinition } from './definitions.ts';
import { moneyColumns } from './money-columns.ts';
import { systemColumns } from './system-columns.ts';
import { isReference, type Value } from './values.ts';

export interface Column {
  readonly definition: ColumnDefinition;
  readonly name: string;
  /** Place of the column in a row's values. */
  readonly ordinal: number;
  readonly parse: ParseValue;
  readonly isLookup: boolean;
  /** Name in JSON that is read: the logical name, or `_{name}_value` for lookups. */
  readonly property: string;
}

/** What a property name in a request body stands for. */
export type Property =
  | { readonly kind: 'column'; readonly column: Column }
  | { readonly kind: 'primaryId' }
  | { readonly kind: 'bind'; readonly column: Column; readonly targets: readonly string[] }
  | { readonly kind: 'navigation'; readonly column: Column; readonly targets: readonly string[] };

export interface Navigation {
  readonly name: string;
  readonly column: Column;
  readonly targets: readonly string[];
}

export interface Key {
  readonly definition: KeyDefinition;
  readonly columns: readonly Column[];
  /** Comparable form of the key's values; `undefined` when one of them is null, which is never unique. */
  valueOf(values: readonly Value[]): string | undefined;
}

/** A table ready for work: columns numbered, properties and keys resolved. Built once from its definition. */
export interface TableModel {
  readonly definition: TableDefinition;
  readonly logicalName: string;
  readonly entitySetName: string;
  readonly isElastic: boolean;
  readonly columns: readonly Column[];
  readonly columnsByName: ReadonlyMap<string, Column>;
  /** By the name under which a query reads them, primary id excepted. */
  readonly columnsByProperty: ReadonlyMap<string, Column>;
  readonly properties: ReadonlyMap<string, Property>;
  readonly navigations: readonly Navigation[];
  readonly keys: readonly Key[];
  readonly requiredColumns: readonly Column[];
  /** Money columns, each with its `_base` column. */
  readonly moneyColumns: readonly { readonly column: Column; readonly base: Column }[];
}

export function buildTableModel(definition: TableDefinition): TableModel {
  const definitions = [...definition.columns, ...moneyColumns(definition), ...systemColumns(definition)].filter(
    (column) => column.logicalName !== definition.primaryIdColumn,
  );
  const columns = definitions.map((column, ordinal) => buildColumn(definition, column, ordinal));
  const columnsByName = new Map(columns.map((column) => [column.name, column]));
  const navigations = columns.flatMap(navigationsOf);
  return {
    definition,
    logicalName: definition.logicalName,
    entitySetName: definition.entitySetName,
    isElastic: definition.tableType === 'Elastic',
    columns,
    columnsByName,
    columnsByProperty: new Map(columns.map((column) => [column.property, column])),
    properties: buildProperties(definition, columns, navigations),
    navigations,
    keys: definition.keys.map((key) => buildKey(key, columnsByName)),
    requiredColumns: columns.filter((column) => column.definition.required === true),
    moneyColumns: columns.flatMap((column) => {
      const base = column.definition.type === 'Money' ? columnsByName.get(`${column.name}_base`) : undefined;
      return base === undefined ? [] : [{ column, base }];
    }),
  };
}

function buildColumn(table: TableDefinition, definition: ColumnDefinition, ordinal: number): Column {
  const isLookup = ['Lookup', 'Customer', 'Owner'].includes(definition.type);
  return {
    definition,
    name: definition.logicalName,
    ordinal,
    parse: columnParser(table, definition),
    isLookup,
    property: isLookup ? `_${definition.logicalName}_value` : definition.logicalName,
  };
}

function navigationsOf(column: Column): readonly Navigation[] {
  if (!column.isLookup) return [];
  const { targets = [], navigationProperty = column.definition.schemaName, type } = column.definition;
  if (type === 'Owner' || targets.length <= 1) return [{ name: navigationProperty, column, targets }];
  return targets.map((target) => ({ name: `${navigationProperty}_${target}`, column, targets: [target] }));
}

function buildProperties(
  definition: TableDefinition,
  columns: readonly Column[],
  navigations: readonly Navigation[],
): ReadonlyMap<string, Property> {
  const properties = new Map<string, Property>([[definition.primaryIdColumn, { kind: 'primaryId' }]]);
  for (const column of columns) if (!column.isLookup) properties.set(column.name, { kind: 'column', column });
  for (const { name, column, targets } of navigations) {
    properties.set(name, { kind: 'navigation', column, targets });
    properties.set(`${name}@odata.bind`, { kind: 'bind', column, targets });
  }
  return properties;
}

function buildKey(definition: KeyDefinition, columnsByName: ReadonlyMap<string, Column>): Key {
  const columns = definition.columns.flatMap((name) => columnsByName.get(name) ?? []);
  const [only] = columns;
  if (columns.length === 1 && only !== undefined) {
    return { definition, columns, valueOf: (values) => comparable(values[only.ordinal]) };
  }
  return {
    definition,
    columns,
    valueOf: (values) => {
      let result = '';
      for (const column of columns) {
        const part = comparable(values[column.ordinal]);
        if (part === undefined) return undefined;
        result += `${part}\u0000`;
      }
      return result;
    },
  };
}

/** Keys compare as the database's default collation does: without regard to case. */
function comparable(value: Value | undefined): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value.toLowerCase();
  return isReference(value) ? value.id : String(value);
}
