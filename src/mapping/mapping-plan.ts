import type { ColumnMetadata } from '../dataverse/table.ts';
import type { Operation } from '../plan/outcome.ts';

/** How records become rows of the target table: everything settled that does not depend on a record. Plain JSON, stored once a run. */
export interface MappingPlan {
  readonly operation: Operation;
  /** What an empty value does to its column. */
  readonly empty: 'null' | 'omit';
  /** What a JSON record's members beyond those of the first record mean. */
  readonly extraMembers: 'reject' | 'ignore';
  /** Columns of the table that members are taken for by their names alone: one that only a later record has is not ignored. */
  readonly byName?: readonly string[];
  /** Columns to write, key columns left out; none for delete. */
  readonly members: readonly PlannedColumn[];
  readonly key: PlannedKey;
}

export interface PlannedColumn {
  /** Position of the source column in the head. */
  readonly source: number;
  readonly column: ColumnMetadata;
  /** Lookups that are written: where the value points to. */
  readonly bind?: PlannedBind;
}

export interface PlannedBind {
  readonly navigationProperty: string;
  readonly entitySetName: string;
  /** Column of the target table's alternate key; absent: the value is a primary id. */
  readonly key?: ColumnMetadata;
}

export interface PlannedPartition {
  /** Elastic tables: source column of `partitionid`, which is part of the primary key; absent: the id names its partition. */
  readonly partition?: number;
}

export type PlannedKey =
  /** Create: the id is `prefix` (a UUIDv8 without its last 12 digits) and the record's number. */
  | ({ readonly kind: 'made'; readonly prefix: string } & PlannedPartition)
  | ({ readonly kind: 'id'; readonly source: number; readonly column: string } & PlannedPartition)
  /** In the order of the table's definition, so that equal keys are equal text. */
  | { readonly kind: 'alternate'; readonly parts: readonly PlannedColumn[] };
