import type { BlobSource } from '../source/blob-source.ts';
import { readRows } from '../source/rows.ts';
import type { SliceIndex } from '../source/slice-index.ts';
import type { ReadRow } from '../source/source-row.ts';
import type { Slice, SourceFormat, SourcePin } from '../source/source.ts';

export interface RecordSource {
  readonly source: Pick<BlobSource, 'read'>;
  readonly rows: SourcePin;
  readonly format: SourceFormat;
  readonly columns: readonly string[];
  readonly index: SliceIndex;
}

/** A record with its bytes, line end left out. */
export interface SourceRecord {
  readonly row: ReadRow;
  readonly bytes: Buffer;
}

const readBytes = 8 * 1024 * 1024;

/** The records of a source in order, from row `first` to row `last`, both included; read in pieces of some slices. */
export async function* readRecords(
  from: RecordSource,
  first = 1,
  last = from.index.rowCount,
): AsyncGenerator<SourceRecord> {
  for (const piece of piecesOf(from.index, first, last)) {
    const bytes = await from.source.read(from.rows, piece.from, piece.to);
    const reading = { columns: from.columns, firstRow: piece.firstRow, from: piece.from };
    for (const row of readRows(bytes, from.format, reading)) {
      if (row.row < first || row.row > last) continue;
      yield { row, bytes: bytes.subarray(row.from - piece.from, row.to - piece.from) };
    }
  }
}

function* piecesOf(index: SliceIndex, first: number, last: number): Generator<Slice> {
  let piece: Slice | undefined;
  for (let at = sliceOf(index, first); at < index.sliceCount; at += 1) {
    const slice = index.slice(at);
    if (slice.firstRow > last) break;
    if (piece !== undefined && slice.to - piece.from <= readBytes) {
      piece = { ...piece, to: slice.to, rowCount: piece.rowCount + slice.rowCount };
      continue;
    }
    if (piece !== undefined) yield piece;
    piece = slice;
  }
  if (piece !== undefined) yield piece;
}

/** Position of the slice that holds the row. */
export function sliceOf(index: SliceIndex, row: number): number {
  let low = 0;
  let high = index.sliceCount;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (index.slice(middle).firstRow <= row) low = middle;
    else high = middle;
  }
  return low;
}
