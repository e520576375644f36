import type { ColumnMetadata, ColumnType, LookupTarget, TableMetadata } from '../dataverse/table.ts';
import type { Fault } from '../plan/fault.ts';
import type { Operation } from '../plan/outcome.ts';
import type { Assignment } from './assignments.ts';
import type { PlannedBind, PlannedColumn } from './mapping-plan.ts';
import { didYouMean } from './near-names.ts';

export interface MemberInput {
  readonly operation: Operation;
  readonly table: TableMetadata;
  readonly assignments: readonly Assignment[];
  readonly lookupKeys: ReadonlyMap<string, ColumnMetadata>;
  /** Columns that find the row and are not written: the primary id, or those of the alternate key. */
  readonly keyColumns: ReadonlySet<string>;
}

/** The columns to write; what cannot be written is added to `faults`. */
export function planMembers(input: MemberInput, faults: Fault[]): PlannedColumn[] {
  const written = input.assignments.filter(({ column }) => !input.keyColumns.has(column.logicalName));
  if (input.operation === 'update' && written.length === 0) {
    faults.push({ pointer: '/mapping', detail: 'No column is left to update beside the key.' });
  }
  if (input.operation === 'create') faults.push(...missingRequired(input));
  return written.map((assignment) => planMember(input, assignment, faults));
}

/** Types the server fills on its own although their columns are required. */
const filledByServer: ReadonlySet<ColumnType> = new Set<ColumnType>(['Owner', 'State', 'Status']);

function missingRequired({ table, assignments }: MemberInput): Fault[] {
  const mapped = new Set(assignments.map(({ column }) => column.logicalName));
  return table.columns
    .filter(({ required, validForCreate, type }) => required && validForCreate && !filledByServer.has(type))
    .filter(({ logicalName }) => logicalName !== table.primaryIdColumn && !mapped.has(logicalName))
    .map(({ logicalName }) => ({ pointer: '/mapping', detail: `Required column ${logicalName} has no source.` }));
}

function planMember(input: MemberInput, assignment: Assignment, faults: Fault[]): PlannedColumn {
  const { column, pointer, source } = assignment;
  const problem = findWriteProblem(column, input);
  if (problem !== undefined) faults.push({ pointer, detail: problem });
  if (!isLookup(column)) {
    if (assignment.lookup !== undefined) {
      const detail = `Column ${column.logicalName} is of type ${column.type}, not a lookup.`;
      faults.push({ pointer: `${pointer}/lookup`, detail });
    }
    return { source, column };
  }
  const bind = planBind(input, assignment, faults);
  return bind === undefined ? { source, column } : { source, column, bind };
}

function isLookup({ type }: ColumnMetadata): boolean {
  return type === 'Lookup' || type === 'Customer' || type === 'Owner';
}

function findWriteProblem(column: ColumnMetadata, { operation, table }: MemberInput): string | undefined {
  const { logicalName: name, validForCreate, validForUpdate, type } = column;
  if (name === table.primaryIdColumn) {
    return `Primary id column ${name} cannot be written when rows are found by an alternate key.`;
  }
  if (!validForCreate && !validForUpdate) return `Column ${name} is read-only.`;
  if (!validForCreate && operation !== 'update')
    return `Column ${name} cannot be set by ${operation}: only by an update.`;
  if (!validForUpdate && operation !== 'create')
    return `Column ${name} cannot be set by ${operation}: only by a create.`;
  return type === 'Other' ? `Column ${name} is of a type that cannot be written.` : undefined;
}

function planBind(
  { table, lookupKeys }: MemberInput,
  assignment: Assignment,
  faults: Fault[],
): PlannedBind | undefined {
  const { column, pointer, lookup } = assignment;
  const targets = table.lookups.filter((target) => target.column === column.logicalName);
  const target = lookup === undefined ? onlyTarget(targets) : targets.find((each) => each.table === lookup.table);
  if (target === undefined) {
    faults.push(wrongTarget(column, targets, { pointer, lookup }));
    return undefined;
  }
  const { navigationProperty, entitySetName } = target;
  const key = lookupKeys.get(column.logicalName);
  return { navigationProperty, entitySetName, ...(key !== undefined && { key }) };
}

function onlyTarget(targets: readonly LookupTarget[]): LookupTarget | undefined {
  return targets.length === 1 ? targets[0] : undefined;
}

function wrongTarget(
  column: ColumnMetadata,
  targets: readonly LookupTarget[],
  { pointer, lookup }: Pick<Assignment, 'pointer' | 'lookup'>,
): Fault {
  const name = column.logicalName;
  const tables = targets.map(({ table }) => table);
  if (tables.length === 0) return { pointer, detail: `Lookup ${name} points to no table that can be bound.` };
  if (lookup === undefined) {
    const detail = `Lookup ${name} points to several tables (${tables.join(', ')}): name one in lookup.table.`;
    return { pointer, detail };
  }
  const known = `${tables.join(', ')}.${didYouMean(lookup.table, tables)}`;
  return {
    pointer: `${pointer}/lookup/table`,
    detail: `Lookup ${name} does not point to ${lookup.table} but to ${known}`,
  };
}
