import type { ColumnMetadata, TableMetadata } from '../dataverse/table.ts';
import { pointerSegment, type Fault } from '../plan/fault.ts';
import type { ColumnSource, RunSpec } from '../plan/run-spec.ts';
import { didYouMean } from './near-names.ts';

/** A source column that goes to a column of the table. */
export interface Assignment {
  /** Position of the source column in the head. */
  readonly source: number;
  readonly column: ColumnMetadata;
  /** Where faults of this column point to: its place in the spec, or `/mapping` when the spec does not name columns. */
  readonly pointer: string;
  readonly lookup?: ColumnSource['lookup'];
}

export interface AssignInput {
  readonly spec: RunSpec;
  readonly sourceColumns: readonly string[];
  readonly table: TableMetadata;
  /** By target column: the key column of another table that its lookup is given by. */
  readonly lookupKeys: ReadonlyMap<string, ColumnMetadata>;
}

/** Finds for every mapped column its source; what cannot be found is added to `faults`. */
export function assignColumns(input: AssignInput, faults: Fault[]): Assignment[] {
  const { columns } = input.spec.mapping;
  return columns === undefined ? assignByName(input, faults) : assignAsSpecified(input, columns, faults);
}

function assignAsSpecified(
  { spec, sourceColumns, table }: AssignInput,
  columns: Readonly<Record<string, ColumnSource>>,
  faults: Fault[],
): Assignment[] {
  const assignments: Assignment[] = [];
  for (const [target, { from, lookup }] of Object.entries(columns)) {
    const pointer = `/mapping/columns${pointerSegment(target)}`;
    const column = table.columns.find(({ logicalName }) => logicalName === target);
    const source = sourceColumns.indexOf(from);
    if (column === undefined) faults.push({ pointer, detail: unknownColumn(table, target) });
    if (source < 0) faults.push({ pointer: `${pointer}/from`, detail: unknownSource(sourceColumns, from) });
    if (column !== undefined && source >= 0) {
      assignments.push({ source, column, pointer, ...(lookup && { lookup }) });
    }
  }
  // Last, because an entry with a misspelt name leaves its column unused as well.
  if (unmappedIsFault(spec)) faults.push(...unusedColumns(sourceColumns, columns));
  return assignments;
}

const mostNamed = 20;

/** Source columns that no entry takes anything from: rather a forgotten entry than data nobody wants. */
function unusedColumns(
  sourceColumns: readonly string[],
  columns: Readonly<Record<string, ColumnSource>>,
): readonly Fault[] {
  const used = new Set(Object.values(columns).map(({ from }) => from));
  const unused = sourceColumns.filter((name) => !used.has(name));
  if (unused.length === 0) return [];
  const [noun, pronoun] = unused.length === 1 ? ['column', 'it'] : ['columns', 'them'];
  const more = unused.length > mostNamed ? ` and ${unused.length - mostNamed} more` : '';
  const named = unused.slice(0, mostNamed).map(quoted).join(', ');
  const detail = `No entry uses source ${noun} ${named}${more}. Map ${pronoun}, or set mapping.unmapped to "ignore".`;
  return [{ pointer: '/mapping/columns', detail }];
}

/** As JSON writes it: spaces at the ends and control characters show. */
const quoted = (name: string): string => JSON.stringify(name);

/** Says that the table has no such column, with names that are near. */
export function unknownColumn(table: TableMetadata, name: string): string {
  const names = table.columns.map(({ logicalName }) => logicalName);
  return `Table ${table.logicalName} has no column ${quoted(name)}.${didYouMean(name, names)}`;
}

function unknownSource(sourceColumns: readonly string[], name: string): string {
  return `The source has no column ${quoted(name)}.${didYouMean(name, sourceColumns)}`;
}

/** Each source column goes to the column of its name; logical names are lower case, headers need not be. */
function assignByName({ spec, sourceColumns, table }: AssignInput, faults: Fault[]): Assignment[] {
  const pointer = '/mapping';
  const byTarget = new Map<string, Assignment>();
  for (const [source, name] of sourceColumns.entries()) {
    const column = table.columns.find(({ logicalName }) => logicalName === name.toLowerCase());
    const earlier = column && byTarget.get(column.logicalName);
    if (column === undefined) {
      if (unmappedIsFault(spec)) {
        faults.push({ pointer, detail: `Source column ${quoted(name)} has no target. ${unknownColumn(table, name)}` });
      }
    } else if (earlier !== undefined) {
      const both = `${quoted(sourceColumns[earlier.source] ?? '')} and ${quoted(name)}`;
      faults.push({ pointer, detail: `Source columns ${both} both go to column ${column.logicalName}.` });
    } else {
      byTarget.set(column.logicalName, { source, column, pointer });
    }
  }
  return [...byTarget.values()];
}

/** Whether every source column needs a target. A delete reads nothing but keys, so that a file of whole rows can be used as it is. */
export function unmappedIsFault(spec: RunSpec): boolean {
  return spec.mapping.unmapped === 'error' && spec.target.operation !== 'delete';
}
