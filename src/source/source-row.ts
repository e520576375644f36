import type { Cells } from './cells.ts';
import type { SourceFault } from './source.ts';

/** An object or array where a plain value belongs: its JSON in one-byte text. */
export interface Nested {
  readonly json: string;
}

/**
 * The value of one column in one record, as one-byte text (each character one byte of UTF-8).
 *
 * - text: a CSV cell without its quotes, a JSON string without its escapes, a JSON number or boolean as it is written (all digits kept).
 *   A quoted empty cell and `""` are the empty text.
 * - `null`: an empty CSV cell without quotes, or JSON `null`.
 * - `undefined`: the JSON record has no such member.
 */
export type Cell = string | null | undefined | Nested;

export interface RecordPlace {
  /** Number of the record in the source, from 1. */
  readonly row: number;
  /** Byte range of the record in the source without its line end, end exclusive. */
  readonly from: number;
  readonly to: number;
}

export interface SourceRow extends RecordPlace {
  /** One for each column of the head, in its order. */
  readonly cells: Cells;
  /** JSON lines: members that the first record does not have, decoded. Absent when there are none. */
  readonly extra?: readonly string[];
}

/** A record that cannot be read. */
export interface UnreadableRow extends RecordPlace {
  readonly fault: SourceFault;
}

export type ReadRow = SourceRow | UnreadableRow;

/** Where the bytes of a slice stand in the source. */
export interface SliceReading {
  /** Columns of the head. */
  readonly columns: readonly string[];
  /** Number of the first record in the bytes. */
  readonly firstRow: number;
  /** Offset of the first byte in the source. */
  readonly from: number;
}
