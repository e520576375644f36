import { guidOf } from '../basics/guid.ts';
import { ExactNumber } from '../basics/json.ts';
import type { ColumnDefinition, KeyDefinition, OptionDefinition, TableDefinition } from './definitions.ts';
import { numericLimits } from './number-values.ts';
import { relationshipName } from './relationships.ts';
import type { TableModel } from './table-model.ts';

/** Metadata as the Web API shows it: learn.microsoft.com/power-apps/developer/data-platform/webapi/query-metadata-web-api */
export type MetadataObject = Readonly<Record<string, unknown>>;

export interface TableMetadata {
  readonly own: MetadataObject;
  readonly collections: ReadonlyMap<string, readonly MetadataObject[]>;
}

/** Tables that nobody owns, or a business unit does: learn.microsoft.com/power-apps/developer/data-platform/webapi/reference */
const ownership: Readonly<Record<string, string>> = {
  systemuser: 'BusinessOwned', team: 'BusinessOwned', businessunit: 'BusinessOwned', transactioncurrency: 'OrganizationOwned',
}; // prettier-ignore

const label = (text: string): MetadataObject => {
  const localized = { Label: text, LanguageCode: 1033, IsManaged: false };
  return { LocalizedLabels: [localized], UserLocalizedLabel: localized };
};

/** `primaryIdOf` gives the primary id column of the tables that lookups point at. */
export function buildMetadata(model: TableModel, primaryIdOf: (logicalName: string) => string): TableMetadata {
  const { definition } = model;
  const { logicalName } = definition;
  return {
    own: {
      LogicalName: logicalName,
      SchemaName: definition.schemaName,
      EntitySetName: definition.entitySetName,
      LogicalCollectionName: definition.entitySetName,
      CollectionSchemaName: definition.entitySetName,
      DisplayName: label(definition.schemaName),
      PrimaryIdAttribute: definition.primaryIdColumn,
      PrimaryNameAttribute: definition.primaryNameColumn,
      TableType: definition.tableType,
      ChangeTrackingEnabled: definition.changeTracking,
      IsOptimisticConcurrencyEnabled: true,
      OwnershipType: ownership[logicalName] ?? 'UserOwned',
      IsCustomEntity: logicalName.includes('_'),
      IsActivity: false,
      MetadataId: guidOf(`table ${logicalName}`),
    },
    collections: new Map(
      Object.entries({
        Attributes: [
          primaryIdMetadata(definition),
          ...model.columns.map((column) => columnMetadata(definition, column.definition)),
        ],
        Keys: [...definition.keys, ...(model.isElastic ? [partitionKey(definition)] : [])].map((key) => ({
          SchemaName: key.name,
          LogicalName: key.name.toLowerCase(),
          EntityLogicalName: logicalName,
          KeyAttributes: key.columns,
          EntityKeyIndexStatus: key.status,
          MetadataId: guidOf(`key ${logicalName} ${key.name}`),
        })),
        ManyToOneRelationships: relationships(model, primaryIdOf),
      }),
    ),
  };
}

/** Built into every elastic table: learn.microsoft.com/power-apps/developer/data-platform/use-elastic-tables */
const partitionKey = ({ primaryIdColumn }: TableDefinition): KeyDefinition => ({
  name: 'KeyForNoSqlEntityWithPKPartitionId',
  columns: [primaryIdColumn, 'partitionid'],
  status: 'Active',
});

function relationships(model: TableModel, primaryIdOf: (logicalName: string) => string): readonly MetadataObject[] {
  return model.navigations.flatMap(({ name, column, targets }) =>
    targets.map((target) => {
      const schemaName = relationshipName(model.logicalName, { name, column, targets }, target);
      return {
        SchemaName: schemaName,
        RelationshipType: 'OneToManyRelationship',
        ReferencingEntity: model.logicalName,
        ReferencingAttribute: column.name,
        ReferencedEntity: target,
        ReferencedAttribute: primaryIdOf(target),
        ReferencingEntityNavigationPropertyName: name,
        ReferencedEntityNavigationPropertyName: schemaName,
        MetadataId: guidOf(`relationship ${schemaName}`),
      };
    }),
  );
}

function primaryIdMetadata(table: TableDefinition): MetadataObject {
  const definition: ColumnDefinition = {
    logicalName: table.primaryIdColumn,
    schemaName: table.primaryIdColumn,
    type: 'Uniqueidentifier',
  };
  return {
    ...columnMetadata(table, definition),
    IsPrimaryId: true,
    IsValidForUpdate: false,
    RequiredLevel: requiredLevel('SystemRequired'),
  };
}

const requiredLevel = (value: string): MetadataObject => ({
  Value: value,
  CanBeChanged: value !== 'SystemRequired',
  ManagedPropertyLogicalName: 'canmodifyrequirementlevelsettings',
});

function columnMetadata(table: TableDefinition, column: ColumnDefinition): MetadataObject {
  const isMultiSelect = column.type === 'MultiSelectPicklist';
  return {
    '@odata.type': `#Microsoft.Dynamics.CRM.${column.type === 'Customer' || column.type === 'Owner' ? 'Lookup' : column.type}AttributeMetadata`,
    LogicalName: column.logicalName,
    SchemaName: column.schemaName,
    EntityLogicalName: table.logicalName,
    AttributeType: isMultiSelect || column.type === 'Image' ? 'Virtual' : column.type,
    AttributeTypeName: { Value: `${column.type}Type` },
    DisplayName: label(column.schemaName),
    RequiredLevel: requiredLevel(column.required === true ? 'ApplicationRequired' : 'None'),
    IsValidForCreate: column.readOnly !== true,
    IsValidForUpdate:
      column.readOnly !== true && column.logicalName !== 'overriddencreatedon' && column.logicalName !== 'partitionid',
    IsValidForRead: true,
    IsPrimaryId: false,
    IsPrimaryName: column.logicalName === table.primaryNameColumn,
    IsCustomAttribute: column.logicalName.includes('_'),
    IsLogical: false,
    AttributeOf: null,
    MetadataId: guidOf(`column ${table.logicalName} ${column.logicalName}`),
    ...typedMembers(table, column),
  };
}

/** Members that only a cast to the typed metadata shows. */
function typedMembers(table: TableDefinition, column: ColumnDefinition): MetadataObject {
  switch (column.type) {
    case 'String':
      return { MaxLength: column.maxLength ?? 100, Format: 'Text', FormatName: { Value: 'Text' } };
    case 'Memo':
      return { MaxLength: column.maxLength ?? 2000, Format: 'TextArea' };
    case 'Integer':
      return { ...numericMembers(column), Format: 'None' };
    case 'BigInt':
      return numericMembers(column);
    case 'Decimal':
    case 'Double':
    case 'Money':
      return {
        ...numericMembers(column),
        Precision: numericLimits(column).precision,
        ...(column.type === 'Money' && { PrecisionSource: 2 }),
      };
    case 'DateTime':
      return {
        Format: column.behavior === 'DateOnly' ? 'DateOnly' : 'DateAndTime',
        DateTimeBehavior: { Value: column.behavior ?? 'UserLocal' },
      };
    case 'Lookup':
    case 'Customer':
    case 'Owner':
      return { Targets: column.targets ?? [] };
    case 'Boolean':
      return {
        DefaultValue: false,
        OptionSet: {
          Name: `${table.logicalName}_${column.logicalName}`,
          IsGlobal: false,
          TrueOption: option({ value: 1, label: 'Yes' }),
          FalseOption: option({ value: 0, label: 'No' }),
        },
      };
    case 'Picklist':
    case 'State':
    case 'Status':
    case 'MultiSelectPicklist':
      return {
        OptionSet: {
          Name: `${table.logicalName}_${column.logicalName}`,
          IsGlobal: false,
          Options: (column.options ?? []).map(option),
        },
        GlobalOptionSet: null,
      };
    case 'Uniqueidentifier':
    case 'Image':
      return {};
  }
}

function numericMembers(column: ColumnDefinition): MetadataObject {
  const { minimum, maximum } = numericLimits(column);
  const shown = (limit: number | bigint): unknown =>
    typeof limit === 'bigint' ? new ExactNumber(String(limit)) : limit;
  return { MinValue: shown(minimum), MaxValue: shown(maximum) };
}

const option = ({ value, label: text, state }: OptionDefinition): MetadataObject => ({
  Value: value,
  Label: label(text),
  ...(state !== undefined && { State: state }),
});

/** Members that are shown only through a cast, and of those the ones that need `$expand`. */
export const typedOnly: ReadonlySet<string> = new Set([
  'MaxLength', 'Format', 'FormatName', 'MinValue', 'MaxValue', 'Precision', 'PrecisionSource', 'DateTimeBehavior', 'Targets', 'DefaultValue',
]); // prettier-ignore
export const expandOnly: ReadonlySet<string> = new Set(['OptionSet', 'GlobalOptionSet']);
