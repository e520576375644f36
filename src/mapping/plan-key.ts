import type { AlternateKey, ColumnType, TableMetadata } from '../dataverse/table.ts';
import type { Fault } from '../plan/fault.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import { type Assignment, unknownColumn } from './assignments.ts';
import type { PlannedColumn, PlannedKey, PlannedPartition } from './mapping-plan.ts';

export interface KeyInput {
  readonly spec: RunSpec;
  readonly table: TableMetadata;
  readonly assignments: readonly Assignment[];
  /** Hexadecimal digest of the run's id. */
  readonly runIdDigest: string;
}

/** What the spec's key means; undefined when `faults` say why it means nothing. */
export function planKey(input: KeyInput, faults: Fault[]): PlannedKey | undefined {
  const { spec, table } = input;
  const names = spec.target.key;
  if (names === undefined || isPrimaryKey(table, names)) {
    const key = planPrimaryId(input, faults);
    return key && { ...key, ...planPartition(input) };
  }
  const key = findAlternateKey(table, names, faults);
  if (key === undefined) return undefined;
  const parts = planParts(input, key, names, faults);
  if (parts === undefined) return undefined;
  // A create has no key to be found by: the row gets an id, and the key columns are written like all others.
  return spec.target.operation === 'create' ? planCreateId(input) : { kind: 'alternate', parts };
}

/** The primary key of an elastic table is its id within a partition (learn.microsoft.com/power-apps/developer/data-platform/use-elastic-tables). */
export const partitionColumn = 'partitionid';

function isPrimaryKey(table: TableMetadata, names: readonly string[]): boolean {
  const others = names.filter((name) => name !== table.primaryIdColumn);
  if (others.length === names.length) return false;
  return others.length === 0 || (table.tableType === 'Elastic' && others.length === 1 && others[0] === partitionColumn);
}

function planPartition(input: KeyInput): PlannedPartition {
  const assignment = input.table.tableType === 'Elastic' ? assignmentOf(input, partitionColumn) : undefined;
  return assignment === undefined ? {} : { partition: assignment.source };
}

function assignmentOf({ assignments }: KeyInput, logicalName: string): Assignment | undefined {
  return assignments.find(({ column }) => column.logicalName === logicalName);
}

type PlannedId = Exclude<PlannedKey, { readonly kind: 'alternate' }>;

function planPrimaryId(input: KeyInput, faults: Fault[]): PlannedId | undefined {
  const { spec, table } = input;
  const isNamed = spec.target.key !== undefined;
  if (spec.target.operation === 'create' && !isNamed) return planCreateId(input);
  const key = idKey(input);
  if (key === undefined) {
    const detail = isNamed
      ? `Key column ${table.primaryIdColumn} is not mapped from the source.`
      : `To ${spec.target.operation} rows, map the primary id column ${table.primaryIdColumn} or name an alternate key. ${listKeys(table)}`;
    faults.push({ pointer: isNamed ? '/target/key/0' : '/target/key', detail });
  }
  return key;
}

function idKey(input: KeyInput): PlannedId | undefined {
  const assignment = assignmentOf(input, input.table.primaryIdColumn);
  return assignment && { kind: 'id', source: assignment.source, column: input.table.primaryIdColumn };
}

function planCreateId(input: KeyInput): PlannedId {
  return idKey(input) ?? { kind: 'made', prefix: idPrefix(input.runIdDigest) };
}

/**
 * A UUIDv8 (RFC 9562 section 5.8) without its last 12 digits, which will hold the record's number: SQL Server sorts GUIDs by these
 * first, so new rows arrive in the order of the index.
 */
function idPrefix(digest: string): string {
  const digits = digest.toLowerCase();
  if (!/^[0-9a-f]{19,}$/.test(digits)) throw new Error('runIdDigest must have 19 hexadecimal digits or more.');
  const variant = '89ab'.charAt(Number.parseInt(digits.charAt(15), 16) % 4);
  const [first, second, third] = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 15)];
  return `${first}-${second}-8${third}-${variant}${digits.slice(16, 19)}-`;
}

function findAlternateKey(table: TableMetadata, names: readonly string[], faults: Fault[]): AlternateKey | undefined {
  const unknown = names.flatMap((name, index) =>
    table.columns.some(({ logicalName }) => logicalName === name)
      ? []
      : [{ pointer: `/target/key/${index}`, detail: unknownColumn(table, name) }],
  );
  if (unknown.length > 0) {
    faults.push(...unknown);
    return undefined;
  }
  const wanted = [...names].sort().join();
  const key = table.keys.find(({ columns }) => [...columns].sort().join() === wanted);
  if (key?.active === true) return key;
  const detail =
    key === undefined
      ? `${names.join(', ')} is neither the primary id column ${table.primaryIdColumn} nor an alternate key of ${table.logicalName}.`
      : `Alternate key ${key.logicalName} is not active: its index is not built (yet).`;
  faults.push({ pointer: '/target/key', detail: `${detail} ${listKeys(table)}` });
  return undefined;
}

function listKeys(table: TableMetadata): string {
  if (table.keys.length === 0) return `Table ${table.logicalName} has no alternate keys.`;
  const keys = table.keys.map(
    ({ logicalName, columns, active }) => `${logicalName} (${columns.join(', ')}; ${active ? 'active' : 'not active'})`,
  );
  return `Alternate keys of ${table.logicalName}: ${keys.join('; ')}.`;
}

/** Column types an alternate key can have (learn.microsoft.com/power-apps/developer/data-platform/define-alternate-keys-entity). */
const keyTypes: ReadonlySet<ColumnType> = new Set<ColumnType>([
  'String',
  'Integer',
  'BigInt',
  'Decimal',
  'DateTime',
  'Lookup',
  'Picklist',
]);

function planParts(
  input: KeyInput,
  key: AlternateKey,
  names: readonly string[],
  faults: Fault[],
): PlannedColumn[] | undefined {
  const before = faults.length;
  const parts = key.columns.flatMap((name) => planPart(input, name, `/target/key/${names.indexOf(name)}`, faults));
  return faults.length === before ? parts : undefined;
}

function planPart(input: KeyInput, name: string, pointer: string, faults: Fault[]): PlannedColumn[] {
  const assignment = assignmentOf(input, name);
  if (assignment === undefined) {
    faults.push({ pointer, detail: `Key column ${name} is not mapped from the source.` });
    return [];
  }
  const { source, column, lookup } = assignment;
  if (!keyTypes.has(column.type)) {
    faults.push({
      pointer,
      detail: `Key column ${name} is of type ${column.type}, which no key value can be written for.`,
    });
  }
  if (lookup?.key !== undefined && input.spec.target.operation !== 'create') {
    const detail = `Column ${name} is part of the key, so its value must be a primary id.`;
    faults.push({ pointer: `${assignment.pointer}/lookup/key`, detail });
  }
  return [{ source, column }];
}
