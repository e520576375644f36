import { isJsonObject, type JsonObject } from '../basics/json.ts';
import {
  columnTypes,
  type ColumnDefinition,
  type ColumnType,
  type KeyDefinition,
  type OptionDefinition,
  type TableDefinition,
} from './definitions.ts';
import { columnFaults, memberFaults } from './column-faults.ts';

/** A schema file with faults; each line starts with the JSON pointer of the fault. */
export class SchemaError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`Schema refused:\n${faults.join('\n')}`);
    this.name = 'SchemaError';
    this.faults = faults;
  }
}

const maxKeysPerTable = 10;
const maxColumnsPerKey = 16;
const namePattern = /^[a-z][a-z0-9_]*$/;
const schemaNamePattern = /^[A-Za-z][A-Za-z0-9_]*$/;
const keyTypes: readonly ColumnType[] = ['Integer', 'Decimal', 'String', 'DateTime', 'Lookup', 'Picklist'];
const keyStatuses = ['Pending', 'InProgress', 'Active', 'Failed'] as const;
const behaviors = ['UserLocal', 'DateOnly', 'TimeZoneIndependent'] as const;
const tableMembers = ['logicalName', 'schemaName', 'entitySetName', 'primaryIdColumn', 'primaryNameColumn', 'tableType', 'changeTracking', 'columns', 'keys']; // prettier-ignore
const columnMembers = ['logicalName', 'schemaName', 'type', 'required', 'maxLength', 'minValue', 'maxValue', 'precision', 'options', 'behavior', 'targets', 'navigationProperty', 'relationshipName', 'readOnly']; // prettier-ignore

/** Reads the members of one JSON object and notes what is wrong with them. */
class Reader {
  readonly #faults: string[];
  readonly #object: JsonObject;
  readonly pointer: string;

  constructor(value: unknown, pointer: string, faults: string[], members: readonly string[]) {
    this.#faults = faults;
    this.pointer = pointer;
    this.#object = isJsonObject(value) ? value : {};
    if (!isJsonObject(value)) this.fault('', 'must be an object');
    for (const name of Object.keys(this.#object)) if (!members.includes(name)) this.fault(name, 'is not known');
  }

  fault(member: string, reason: string): void {
    this.#faults.push(`${this.pointer}${member === '' ? '' : `/${member}`}: ${reason}`);
  }

  has(member: string): boolean {
    return this.#object[member] !== undefined;
  }

  peek(member: string): unknown {
    return this.#object[member];
  }

  text(member: string, pattern: RegExp): string {
    const value = this.#object[member];
    if (typeof value === 'string' && pattern.test(value)) return value;
    this.fault(member, value === undefined ? 'is missing' : `must be text like ${pattern.source}`);
    return '';
  }

  oneOf<T extends string>(member: string, allowed: readonly T[], fallback: T | undefined): T | undefined {
    const value = this.#object[member];
    if (value === undefined && fallback !== undefined) return fallback;
    const found = allowed.find((item) => item === value);
    if (found === undefined)
      this.fault(member, value === undefined ? 'is missing' : `must be one of ${allowed.join(', ')}`);
    return found;
  }

  boolean(member: string, fallback: boolean): boolean {
    const value = this.#object[member];
    if (typeof value === 'boolean') return value;
    if (value !== undefined) this.fault(member, 'must be true or false');
    return fallback;
  }

  number(member: string): number | undefined {
    const value = this.#object[member];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    this.fault(member, 'must be a number');
    return undefined;
  }

  list(member: string): readonly unknown[] {
    const value = this.#object[member];
    if (Array.isArray(value)) return value;
    if (value !== undefined) this.fault(member, 'must be a list');
    return [];
  }

  texts(member: string): readonly string[] {
    return this.list(member).flatMap((item, index) => {
      if (typeof item === 'string') return item;
      this.fault(`${member}/${index}`, 'must be text');
      return [];
    });
  }
}

/**
 * The tables of a parsed schema file. `known` are the tables that are there already, at which lookups may also point. Throws
 * `SchemaError` with every fault of the file.
 */
export function parseSchema(json: unknown, known: readonly Names[]): readonly TableDefinition[] {
  const faults: string[] = [];
  const root = new Reader(json, '', faults, ['tables']);
  if (!root.has('tables')) root.fault('tables', 'is missing');
  const tables = root.list('tables').map((table, index) => parseTable(table, `/tables/${index}`, faults));
  checkAcrossTables(tables, known, faults);
  if (faults.length > 0) throw new SchemaError(faults);
  return tables;
}

function parseTable(value: unknown, pointer: string, faults: string[]): TableDefinition {
  const reader = new Reader(value, pointer, faults, tableMembers);
  const columns = reader
    .list('columns')
    .map((column, index) => parseColumn(column, `${pointer}/columns/${index}`, faults));
  if (!reader.has('columns')) reader.fault('columns', 'is missing');
  const table: TableDefinition = {
    logicalName: reader.text('logicalName', namePattern),
    schemaName: reader.text('schemaName', schemaNamePattern),
    entitySetName: reader.text('entitySetName', namePattern),
    primaryIdColumn: reader.text('primaryIdColumn', namePattern),
    primaryNameColumn: reader.text('primaryNameColumn', namePattern),
    tableType: reader.oneOf('tableType', ['Standard', 'Elastic'] as const, 'Standard') ?? 'Standard',
    changeTracking: reader.boolean('changeTracking', false),
    columns,
    keys: reader.list('keys').map((key, index) => parseKey(key, `${pointer}/keys/${index}`, columns, faults)),
  };
  table.keys.forEach(({ name }, index) => {
    if (table.keys.findIndex((key) => key.name === name) !== index)
      reader.fault(`keys/${index}/name`, `repeats ${name}`);
  });
  if (table.keys.length > maxKeysPerTable) reader.fault('keys', `must be at most ${maxKeysPerTable}`);
  if (table.tableType === 'Elastic' && table.keys.length > 0)
    reader.fault('keys', 'are not supported on elastic tables');
  if (!columns.some((column) => column.logicalName === table.primaryNameColumn)) {
    reader.fault('primaryNameColumn', 'must be one of the columns');
  }
  for (const [member, reason] of columnFaults(table)) reader.fault(member, reason);
  return table;
}

function parseColumn(value: unknown, pointer: string, faults: string[]): ColumnDefinition {
  const reader = new Reader(value, pointer, faults, columnMembers);
  const logicalName = reader.text('logicalName', namePattern);
  const known = reader.oneOf('type', columnTypes, undefined);
  const type = known ?? 'String';
  if (known !== undefined) for (const [member, reason] of memberFaults(type, reader)) reader.fault(member, reason);
  const isLookup = ['Lookup', 'Customer', 'Owner'].includes(type);
  if (isLookup && reader.texts('targets').length === 0) reader.fault('targets', 'must name at least one table');
  const hasOptions = ['Picklist', 'MultiSelectPicklist', 'State', 'Status'].includes(type);
  if (hasOptions && reader.list('options').length === 0) reader.fault('options', 'must not be empty');
  const numbers = (['maxLength', 'minValue', 'maxValue', 'precision'] as const).flatMap((member) => {
    const number = reader.number(member);
    return number === undefined ? [] : [[member, number] as const];
  });
  const behavior = reader.has('behavior') ? reader.oneOf('behavior', behaviors, undefined) : undefined;
  return {
    logicalName,
    schemaName: reader.text('schemaName', schemaNamePattern),
    type,
    required: reader.boolean('required', false),
    readOnly: reader.boolean('readOnly', false),
    ...Object.fromEntries(numbers),
    ...(hasOptions && { options: parseOptions(reader, pointer, faults) }),
    ...(behavior !== undefined && { behavior }),
    ...(isLookup && { targets: reader.texts('targets') }),
    ...(reader.has('navigationProperty') && {
      navigationProperty: reader.text('navigationProperty', schemaNamePattern),
    }),
    ...(reader.has('relationshipName') && { relationshipName: reader.text('relationshipName', schemaNamePattern) }),
  };
}

function parseOptions(reader: Reader, pointer: string, faults: string[]): readonly OptionDefinition[] {
  const numbers = new Set<number | undefined>();
  return reader.list('options').map((value, index) => {
    const option = new Reader(value, `${pointer}/options/${index}`, faults, ['value', 'label', 'state']);
    const number = option.number('value');
    if (number === undefined || !Number.isInteger(number)) option.fault('value', 'must be a whole number');
    if (numbers.has(number)) option.fault('value', `repeats ${number}`);
    numbers.add(number);
    const state = option.number('state');
    return { value: number ?? 0, label: option.text('label', /./), ...(state !== undefined && { state }) };
  });
}

function parseKey(
  value: unknown,
  pointer: string,
  columns: readonly ColumnDefinition[],
  faults: string[],
): KeyDefinition {
  const reader = new Reader(value, pointer, faults, ['name', 'columns', 'status']);
  const names = reader.texts('columns');
  if (names.length === 0 || names.length > maxColumnsPerKey)
    reader.fault('columns', `must be 1 to ${maxColumnsPerKey}`);
  names.forEach((name, index) => {
    const column = columns.find((item) => item.logicalName === name);
    if (names.indexOf(name) !== index) reader.fault(`columns/${index}`, `repeats ${name}`);
    if (column === undefined) reader.fault(`columns/${index}`, `names no column: ${name}`);
    else if (!keyTypes.includes(column.type))
      reader.fault(`columns/${index}`, `a ${column.type} cannot be part of a key`);
  });
  return {
    name: reader.text('name', namePattern),
    columns: names,
    status: reader.oneOf('status', keyStatuses, 'Active') ?? 'Active',
  };
}

type Names = Pick<TableDefinition, 'logicalName' | 'entitySetName'>;

function checkAcrossTables(tables: readonly TableDefinition[], known: readonly Names[], faults: string[]): void {
  const names = new Set([...known, ...tables].map((table) => table.logicalName));
  const collections = new Set<string>();
  tables.forEach((table, tableIndex) => {
    const at = `/tables/${tableIndex}`;
    const before = [...known, ...tables.slice(0, tableIndex)];
    for (const member of ['logicalName', 'entitySetName'] as const) {
      if (before.some((other) => other[member] === table[member] && table[member] !== ''))
        faults.push(`${at}/${member}: ${table[member]} is there already`);
    }
    table.columns.forEach((column, columnIndex) => {
      for (const [index, target] of (column.targets ?? []).entries()) {
        if (!names.has(target)) faults.push(`${at}/columns/${columnIndex}/targets/${index}: names no table: ${target}`);
        const collection = `${target} ${column.relationshipName ?? ''}`;
        if (column.relationshipName !== undefined && collections.has(collection))
          faults.push(`${at}/columns/${columnIndex}/relationshipName: ${target} has one of that name already`);
        collections.add(collection);
      }
    });
  });
}
