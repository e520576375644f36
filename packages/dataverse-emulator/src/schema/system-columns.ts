import type { ColumnDefinition, TableDefinition } from './definitions.ts';

const stamp = (logicalName: string, schemaName: string): ColumnDefinition => ({
  logicalName,
  schemaName,
  type: 'DateTime',
  behavior: 'UserLocal',
  readOnly: true,
});

const userLookup = (logicalName: string, schemaName: string): ColumnDefinition => ({
  logicalName,
  schemaName,
  type: 'Lookup',
  targets: ['systemuser'],
  navigationProperty: logicalName,
  readOnly: true,
});

const always: readonly ColumnDefinition[] = [
  stamp('createdon', 'CreatedOn'),
  stamp('modifiedon', 'ModifiedOn'),
  userLookup('createdby', 'CreatedBy'),
  userLookup('modifiedby', 'ModifiedBy'),
  userLookup('createdonbehalfby', 'CreatedOnBehalfBy'),
  { logicalName: 'ownerid', schemaName: 'OwnerId', type: 'Owner', targets: ['systemuser', 'team'], navigationProperty: 'ownerid' },
  { logicalName: 'overriddencreatedon', schemaName: 'OverriddenCreatedOn', type: 'DateTime', behavior: 'DateOnly' },
  { logicalName: 'versionnumber', schemaName: 'VersionNumber', type: 'BigInt', readOnly: true },
]; // prettier-ignore

const standardOnly: readonly ColumnDefinition[] = [
  {
    logicalName: 'statecode',
    schemaName: 'statecode',
    type: 'State',
    options: [
      { value: 0, label: 'Active' },
      { value: 1, label: 'Inactive' },
    ],
  },
  {
    logicalName: 'statuscode',
    schemaName: 'statuscode',
    type: 'Status',
    options: [
      { value: 1, label: 'Active', state: 0 },
      { value: 2, label: 'Inactive', state: 1 },
    ],
  },
];

/** learn.microsoft.com/power-apps/developer/data-platform/use-elastic-tables */
const elasticOnly: readonly ColumnDefinition[] = [
  { logicalName: 'partitionid', schemaName: 'PartitionId', type: 'String', maxLength: 1024 },
  { logicalName: 'ttlinseconds', schemaName: 'TTLInSeconds', type: 'Integer', minValue: 1, maxValue: 2_147_483_647 },
];

/** Columns every table of this kind has, unless its own definition names them. */
export function systemColumns(table: TableDefinition): readonly ColumnDefinition[] {
  const named = new Set(table.columns.map((column) => column.logicalName));
  const extra = table.tableType === 'Elastic' ? elasticOnly : standardOnly;
  return [...always, ...extra].filter((column) => !named.has(column.logicalName));
}

export const systemColumnNames: ReadonlySet<string> = new Set(
  [...always, ...standardOnly, ...elasticOnly].map((column) => column.logicalName),
);
