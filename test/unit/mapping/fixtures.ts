import type { ColumnMetadata, ColumnType, TableMetadata } from '../../../src/dataverse/table.ts';
import { type CompiledMapping, compileMapping } from '../../../src/mapping/compile-mapping.ts';
import type { EncodedRow } from '../../../src/mapping/encoded-row.ts';
import type { MappingPlan } from '../../../src/mapping/mapping-plan.ts';
import { createRowEncoder } from '../../../src/mapping/row-encoder.ts';
import type { Rejection } from '../../../src/plan/outcome.ts';
import type { MappingSpec, RunSpec, TargetSpec } from '../../../src/plan/run-spec.ts';
import { listedCells } from '../../../src/source/cells.ts';
import type { Cell } from '../../../src/source/source-row.ts';

export function column(logicalName: string, type: ColumnType, more: Partial<ColumnMetadata> = {}): ColumnMetadata {
  return { logicalName, type, required: false, validForCreate: true, validForUpdate: true, ...more };
}

export const kinds = [
  { value: 1, label: 'City' },
  { value: 2, label: 'Town' },
  { value: 3, label: 'Straße' },
  { value: 4, label: 'Other' },
  { value: 5, label: 'other' },
];

export const town: TableMetadata = {
  logicalName: 'fan_town',
  entitySetName: 'fan_towns',
  primaryIdColumn: 'fan_townid',
  tableType: 'Standard',
  columns: [
    column('fan_townid', 'Uniqueidentifier', { required: true, validForUpdate: false }),
    column('fan_code', 'String', { maxLength: 20 }),
    column('fan_year', 'Integer', { minValue: 0, maxValue: 3000 }),
    column('fan_name', 'String', { maxLength: 10 }),
    column('fan_population', 'Integer', { minValue: 0, maxValue: 2_147_483_647 }),
    column('fan_kind', 'Picklist', { options: kinds }),
    column('fan_parentid', 'Lookup'),
    column('fan_contactid', 'Customer'),
    column('ownerid', 'Owner', { required: true }),
    column('createdon', 'DateTime', { validForCreate: false, validForUpdate: false }),
    column('overriddencreatedon', 'DateTime', { validForUpdate: false }),
    column('fan_approved', 'Boolean', { validForCreate: false }),
    column('fan_logo', 'Other'),
    column('fan_rate', 'Decimal', { precision: 4 }),
    column('fan_foundedon', 'DateTime', { dateTimeBehavior: 'DateOnly' }),
    column('fan_openedon', 'DateTime', { dateTimeBehavior: 'UserLocal' }),
  ],
  keys: [
    { logicalName: 'fan_codekey', columns: ['fan_code'], active: true },
    { logicalName: 'fan_codeyearkey', columns: ['fan_code', 'fan_year'], active: true },
    { logicalName: 'fan_namekey', columns: ['fan_name'], active: false },
    { logicalName: 'fan_ratekey', columns: ['fan_rate', 'fan_openedon'], active: true },
    { logicalName: 'fan_pointkey', columns: ['fan_parentid', 'fan_kind', 'fan_foundedon'], active: true },
  ],
  lookups: [
    { column: 'fan_parentid', navigationProperty: 'fan_ParentId', table: 'account', entitySetName: 'accounts' },
    {
      column: 'fan_contactid',
      navigationProperty: 'fan_contactid_account',
      table: 'account',
      entitySetName: 'accounts',
    },
    {
      column: 'fan_contactid',
      navigationProperty: 'fan_contactid_contact',
      table: 'contact',
      entitySetName: 'contacts',
    },
  ],
  bulk: { CreateMultiple: true, UpdateMultiple: true, UpsertMultiple: true, DeleteMultiple: false },
};

export interface Case {
  readonly target?: Partial<TargetSpec>;
  readonly mapping?: Partial<MappingSpec>;
  readonly sourceColumns: readonly string[];
  readonly table?: TableMetadata;
  readonly runIdDigest?: string;
  /** By the names of the other tables' columns; absent: they are texts. */
  readonly lookupKeys?: Readonly<Record<string, ColumnMetadata>>;
}

function specOf({ target, mapping }: Case): RunSpec {
  return {
    connection: 'main',
    source: { container: 'in', blob: 'towns.csv', format: 'csv', delimiter: ',' },
    target: { table: 'fan_town', operation: 'create', ...target },
    mapping: { unmapped: 'error', empty: 'null', ...mapping },
    options: {
      bypassBusinessLogic: [],
      suppressFlows: false,
      duplicateDetection: false,
      duplicates: 'lastWins',
      tolerate: { inARow: 50 },
    },
  };
}

export function compile(each: Case): CompiledMapping {
  const { sourceColumns, table = town, runIdDigest = '0123456789abcdeffedcba9876543210' } = each;
  const spec = specOf(each);
  const keys = Object.entries(spec.mapping.columns ?? {}).flatMap(([name, { lookup }]) =>
    lookup?.key === undefined ? [] : [[name, each.lookupKeys?.[lookup.key] ?? column(lookup.key, 'String')] as const],
  );
  return compileMapping({ spec, sourceColumns, table, runIdDigest, lookupKeys: new Map(keys) });
}

export function planOf(each: Case): MappingPlan {
  const compiled = compile(each);
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults));
  // The plan is stored as JSON between the two.
  return JSON.parse(JSON.stringify(compiled.plan)) as MappingPlan;
}

export const oneByte = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

/** An encoded row with its members in one-byte text. */
export type TextRow = Omit<EncodedRow, 'members'> & { readonly members: string };

export const textRow = (result: EncodedRow | Rejection): TextRow | Rejection =>
  'class' in result ? result : { ...result, members: result.members.text() };

/** Encodes record 17 with the given cells, in normal text. */
export function encode(each: Case, cells: readonly Cell[]): TextRow | Rejection {
  const bytes = cells.map((cell) => (typeof cell === 'string' ? oneByte(cell) : cell));
  return textRow(createRowEncoder(planOf(each))({ row: 17, from: 100, to: 150, cells: listedCells(bytes) }));
}

/** The members as the service will read them. */
export function membersOf(result: TextRow | Rejection): unknown {
  if ('class' in result) throw new Error(result.message);
  return JSON.parse(Buffer.from(`{${result.members}}`, 'latin1').toString('utf8'));
}

/** A table of one value column `v` beside its id. */
export function tableWith(type: ColumnType, more: Partial<ColumnMetadata> = {}): TableMetadata {
  return { ...town, columns: [column('fan_townid', 'Uniqueidentifier'), column('v', type, more)] };
}
