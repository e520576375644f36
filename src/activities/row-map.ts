/** For each row of a spooled file: which row of the lineage's first source it is. */
export interface RowMap {
  readonly rowCount: number;
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
export interface RowMapWriter {
  readonly add: (row: MappedRow) => void;
  readonly bytes: () => Buffer;
}

/** Rows may be many millions, so that they are never held but in their stored form. */
export function createRowMapWriter(): RowMapWriter {
  let bytes = Buffer.alloc(entryBytes * 1_024);
  let end = 0;
  return {
    add({ sourceRow, maybeSent }) {
      if (end === bytes.length) bytes = Buffer.concat([bytes], bytes.length * 2);
      end = bytes.writeDoubleLE(maybeSent ? -sourceRow : sourceRow, end);
    },
    bytes: () => bytes.subarray(0, end),
  };
}

export function decodeRowMap(bytes: Buffer): RowMap {
  const entryOf = (row: number): number => bytes.readDoubleLE((row - 1) * entryBytes);
  return {
    rowCount: bytes.length / entryBytes,
    sourceRowOf: (row) => Math.abs(entryOf(row)),
    maybeSent: (row) => entryOf(row) < 0,
  };
}
