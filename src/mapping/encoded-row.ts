import type { RowMembers } from './row-members.ts';

/**
 * One row ready to be put into any request body.
 *
 * All text here is *one-byte text*: each character stands for one byte of UTF-8 (`Buffer.toString('latin1')` of the bytes), so what is joined
 * from it becomes bytes with `Buffer.from(text, 'latin1')`. It keeps strings one byte wide and skips decoding and encoding.
 */
export interface EncodedRow {
  /** Number of the record in the source, from 1. */
  readonly row: number;
  /** Byte range of the record in the source, end exclusive. */
  readonly from: number;
  readonly to: number;
  /** Key columns left out; empty for delete. */
  readonly members: RowMembers;
  readonly key: RowKey;
  /** An earlier run may have sent this row: what it meets may be its own work. */
  readonly maybeSent?: true;
  /** Only this version of the row may be deleted. */
  readonly etag?: string;
}

/** Primary id. */
export interface IdKey {
  readonly kind: 'id';
  /** Lower-case GUID. */
  readonly id: string;
  /** Made for a create from run and row number, so that nobody else's row has it; absent: the id is the source's. */
  readonly made?: true;
  /** Elastic tables, where an id is unique only within its partition; one-byte text. Absent: the partition is named by the id. */
  readonly partitionId?: string;
}

/** How Dataverse finds the row. */
export type RowKey =
  | IdKey
  /** Alternate key as an OData key predicate in one-byte text, quotes doubled, not percent-encoded: `code='O''Hara',year=5`. */
  | { readonly kind: 'alternate'; readonly predicate: string };

/** Readable form of a key, also used to find equal keys inside one request. */
export function keyText(key: RowKey): string {
  if (key.kind === 'alternate') return key.predicate;
  return key.partitionId === undefined ? key.id : `${key.id},${key.partitionId}`;
}
