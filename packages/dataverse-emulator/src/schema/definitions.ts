export const columnTypes = [
  'String', 'Memo', 'Integer', 'BigInt', 'Decimal', 'Double', 'Money', 'Boolean', 'Picklist', 'State', 'Status',
  'MultiSelectPicklist', 'DateTime', 'Lookup', 'Customer', 'Owner', 'Uniqueidentifier', 'Image',
] as const; // prettier-ignore
export type ColumnType = (typeof columnTypes)[number];

export interface OptionDefinition {
  readonly value: number;
  readonly label: string;
  /** Options of a Status column: the state they belong to. */
  readonly state?: number;
}

/** A column as a schema file describes it; members that do not fit the type are refused. */
export interface ColumnDefinition {
  readonly logicalName: string;
  readonly schemaName: string;
  readonly type: ColumnType;
  readonly required?: boolean;
  readonly maxLength?: number;
  readonly minValue?: number;
  readonly maxValue?: number;
  readonly precision?: number;
  readonly options?: readonly OptionDefinition[];
  readonly behavior?: 'UserLocal' | 'DateOnly' | 'TimeZoneIndependent';
  readonly targets?: readonly string[];
  /** Single-valued navigation property; with several targets each gets `{navigationProperty}_{target}`. */
  readonly navigationProperty?: string;
  /** Name of the collection at the other end; `{table}_{navigationProperty}_{target}` when left out. One target only. */
  readonly relationshipName?: string;
  /** Set by the service; not valid for create or update. */
  readonly readOnly?: boolean;
}

export interface KeyDefinition {
  readonly name: string;
  readonly columns: readonly string[];
  readonly status: 'Pending' | 'InProgress' | 'Active' | 'Failed';
}

export interface TableDefinition {
  readonly logicalName: string;
  readonly schemaName: string;
  readonly entitySetName: string;
  readonly primaryIdColumn: string;
  readonly primaryNameColumn: string;
  readonly tableType: 'Standard' | 'Elastic';
  readonly changeTracking: boolean;
  readonly columns: readonly ColumnDefinition[];
  readonly keys: readonly KeyDefinition[];
}
