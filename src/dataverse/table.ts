/**
 * What the engine needs to know of a table, read from `EntityDefinitions`
 * (learn.microsoft.com/power-apps/developer/data-platform/webapi/query-metadata-web-api). Plain JSON.
 */
export interface TableMetadata {
  readonly logicalName: string;
  /** Name in URLs; not always the plural of the logical name. */
  readonly entitySetName: string;
  readonly primaryIdColumn: string;
  readonly tableType: 'Standard' | 'Elastic' | 'Virtual';
  readonly columns: readonly ColumnMetadata[];
  readonly keys: readonly AlternateKey[];
  readonly lookups: readonly LookupTarget[];
  /** Which bulk messages the environment offers for this table. */
  readonly bulk: Readonly<Record<BulkMessage, boolean>>;
}

export type BulkMessage = 'CreateMultiple' | 'UpdateMultiple' | 'UpsertMultiple' | 'DeleteMultiple';

/** `AttributeType` as the service spells it; types that cannot be written come as `Other`. */
export type ColumnType =
  | 'String'
  | 'Memo'
  | 'Integer'
  | 'BigInt'
  | 'Decimal'
  | 'Double'
  | 'Money'
  | 'Boolean'
  | 'Picklist'
  | 'State'
  | 'Status'
  | 'MultiSelectPicklist'
  | 'DateTime'
  | 'Lookup'
  | 'Customer'
  | 'Owner'
  | 'Uniqueidentifier'
  | 'Other';

export interface ColumnMetadata {
  readonly logicalName: string;
  readonly type: ColumnType;
  readonly required: boolean;
  readonly validForCreate: boolean;
  readonly validForUpdate: boolean;
  /** Characters (UTF-16 units); String and Memo. */
  readonly maxLength?: number;
  readonly minValue?: number;
  readonly maxValue?: number;
  /** Digits behind the point; Decimal, Double, Money. */
  readonly precision?: number;
  readonly dateTimeBehavior?: 'UserLocal' | 'DateOnly' | 'TimeZoneIndependent';
  /** Allowed values of choice columns. */
  readonly options?: readonly ColumnOption[];
}

export interface ColumnOption {
  readonly value: number;
  readonly label?: string;
}

export interface AlternateKey {
  readonly logicalName: string;
  readonly columns: readonly string[];
  /** The index is built; a key that is not active cannot be used. */
  readonly active: boolean;
}

/** One table a lookup column may point to. */
export interface LookupTarget {
  readonly column: string;
  /** Case-sensitive name to bind by (`{name}@odata.bind`). */
  readonly navigationProperty: string;
  readonly table: string;
  /** Entity set of `table`. */
  readonly entitySetName: string;
}
