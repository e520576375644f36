/**
 * One row ready to be put into any request body.
 *
 * All text here is *one-byte text*: each character stands for one byte of UTF-8 (`Buffer.toString('latin1')` of the bytes), so a body
 * joined from it becomes bytes with `Buffer.from(body, 'latin1')`. It keeps strings one byte wide and skips decoding and encoding.
 */
export interface EncodedRow {
  /** Number of the record in the source, from 1. */
  readonly row: number;
  /** Byte range of the record in the source, end exclusive. */
  readonly from: number;
  readonly to: number;
  /** JSON members without braces, key columns left out: `"name":"A","population":5`. Empty for delete. */
  readonly members: string;
  readonly key: RowKey;
  /** An earlier run may have sent this row: what it meets may be its own work. */
  readonly maybeSent?: true;
  /** Only this version of the row may be deleted. */
  readonly etag?: string;
}

/** How Dataverse finds the row. */
export type RowKey =
  /** Primary id: from the source, or made for a create from run and row number. Lower-case GUID. */
  | { readonly kind: 'id'; readonly id: string }
  /** Alternate key as an OData key predicate in one-byte text, quotes doubled, not percent-encoded: `code='O''Hara',year=5`. */
  | { readonly kind: 'alternate'; readonly predicate: string };

/** Readable form of a key, also used to find equal keys inside one request. */
export function keyText(key: RowKey): string {
  return key.kind === 'id' ? key.id : key.predicate;
}
