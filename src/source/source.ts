/** How the bytes of a source are to be read. */
export type SourceFormat =
  { readonly kind: 'csv'; readonly delimiter: ',' | ';' | '\t' | '|' } | { readonly kind: 'jsonl' };

/** One exact version of a blob; every read names it, so a source that changes under a run is noticed. */
export interface SourcePin {
  readonly container: string;
  readonly blob: string;
  readonly etag: string;
  readonly bytes: number;
}

/** What the first bytes of a source tell. */
export interface SourceHead {
  /** CSV: the header cells. JSON lines: the members of the first record. Decoded text. */
  readonly columns: readonly string[];
  /** Offset of the first data record, behind byte order mark and header. */
  readonly dataFrom: number;
}

/** Row-aligned byte range; rows `firstRow` to `firstRow + rowCount - 1`, bytes `from` to `to` (exclusive). */
export interface Slice {
  readonly firstRow: number;
  readonly rowCount: number;
  readonly from: number;
  readonly to: number;
}

/** Something wrong with the bytes of a source, placed for a person to find it. */
export interface SourceFault {
  /** `source.unclosedQuote`, `source.quoteInField`, `source.ragged`, `source.encoding`, `source.json`, `source.header`, ... */
  readonly code: string;
  readonly message: string;
  /** Row number from 1; 0 is the header, or with byte 0 the whole file. */
  readonly row: number;
  /** Offset in the whole source. */
  readonly byteOffset: number;
}

/** A fault in words, with its place: row number (or header) and byte offset. What concerns the whole file has none. */
export function faultDetail({ message, row, byteOffset }: SourceFault): string {
  if (row === 0 && byteOffset === 0) return message;
  return `${message} (${row === 0 ? 'header' : `row ${row}`}, byte ${byteOffset})`;
}
