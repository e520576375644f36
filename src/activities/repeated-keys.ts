/** Rows that are not sent because another row of the file has the same key. */
export interface RepeatedKeys {
  /** The last row with the key of this one; undefined for a row that is sent. */
  readonly find: (row: number) => number | undefined;
}

export const noRepeatedKeys: RepeatedKeys = { find: () => undefined };

export interface RepeatedRow {
  readonly row: number;
  readonly lastRow: number;
}

const entryBytes = 16;

/** Stored form: for each row two little-endian doubles, its number and that of the last row with its key; in order. */
export function encodeRepeatedKeys(rows: readonly RepeatedRow[]): Buffer {
  const bytes = Buffer.alloc(rows.length * entryBytes);
  for (const [at, { row, lastRow }] of rows.entries()) {
    bytes.writeDoubleLE(row, at * entryBytes);
    bytes.writeDoubleLE(lastRow, at * entryBytes + 8);
  }
  return bytes;
}

export function decodeRepeatedKeys(bytes: Buffer): RepeatedKeys {
  const rowAt = (at: number): number => bytes.readDoubleLE(at * entryBytes);
  return {
    find(row) {
      let low = 0;
      let high = bytes.length / entryBytes;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (rowAt(middle) < row) low = middle + 1;
        else high = middle;
      }
      return low < bytes.length / entryBytes && rowAt(low) === row
        ? bytes.readDoubleLE(low * entryBytes + 8)
        : undefined;
    },
  };
}
