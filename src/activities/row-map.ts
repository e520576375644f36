/** For each row of a spooled file: which row of the lineage's first source it is. */
export interface RowMap {
  readonly sourceRowOf: (row: number) => number;
  /** An earlier run may have sent the row: what it meets may be its own work. */
  readonly maybeSent: (row: number) => boolean;
}

export interface MappedRow {
  readonly sourceRow: number;
  readonly maybeSent: boolean;
}

const entryBytes = 8;

/** Stored form: one little-endian double for each row, its source row; negative where the row may have been sent. */
export function encodeRowMap(rows: readonly MappedRow[]): Buffer {
  const bytes = Buffer.alloc(rows.length * entryBytes);
  for (const [at, { sourceRow, maybeSent }] of rows.entries())
    bytes.writeDoubleLE(maybeSent ? -sourceRow : sourceRow, at * entryBytes);
  return bytes;
}

export function decodeRowMap(bytes: Buffer): RowMap {
  const entryOf = (row: number): number => bytes.readDoubleLE((row - 1) * entryBytes);
  return { sourceRowOf: (row) => Math.abs(entryOf(row)), maybeSent: (row) => entryOf(row) < 0 };
}
