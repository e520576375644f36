import { readHead } from '../../../src/source/head.ts';
import { createIndexer, type IndexerOptions, type IndexedSource } from '../../../src/source/indexer.ts';
import { readRows } from '../../../src/source/rows.ts';
import type { Slice, SourceFormat, SourceHead } from '../../../src/source/source.ts';
import { cellList } from '../../../src/source/cells.ts';
import type { Cell, ReadRow, SourceRow, UnreadableRow } from '../../../src/source/source-row.ts';

export const comma: SourceFormat = { kind: 'csv', delimiter: ',' };
export const jsonl: SourceFormat = { kind: 'jsonl' };

interface Reading extends IndexerOptions {
  readonly chunkBytes?: number;
  readonly sliceRows?: number;
}

export interface WholeSource {
  readonly head: SourceHead;
  readonly indexed: IndexedSource;
  readonly slices: readonly Slice[];
  /** As they were read, for what goes on with them. */
  readonly readRows: readonly ReadRow[];
  /** The same with their cells in lists, for what compares them. */
  readonly rows: readonly ListedRow[];
}

export type ListedRow = UnreadableRow | (Omit<SourceRow, 'cells'> & { readonly cells: readonly Cell[] });

export const listed = (row: ReadRow): ListedRow => ('fault' in row ? row : { ...row, cells: cellList(row.cells) });

/** The whole way of a source: head, index over chunks of one size, rows slice by slice. */
export function readSource(source: Buffer | string, format: SourceFormat, reading: Reading = {}): WholeSource {
  const bytes = Buffer.from(source);
  const { chunkBytes = bytes.length, sliceRows = 1000, ...options } = reading;
  const result = readHead(bytes, format, { complete: true });
  if (!('head' in result)) throw new Error(JSON.stringify(result));
  const { head } = result;
  const indexer = createIndexer(format, head, options);
  for (let at = 0; at < bytes.length; at += chunkBytes) indexer.push(bytes.subarray(at, at + chunkBytes));
  const indexed = indexer.finish({ sliceRows: () => sliceRows });
  const slices = Array.from({ length: indexed.index.sliceCount }, (_, position) => indexed.index.slice(position));
  const read = slices.flatMap(({ from, to, firstRow }) => [
    ...readRows(bytes.subarray(from, to), format, { columns: head.columns, firstRow, from }),
  ]);
  return { head, indexed, slices, readRows: read, rows: read.map(listed) };
}

export function cellsOf(row: ListedRow): readonly Cell[] {
  if ('fault' in row) throw new Error(JSON.stringify(row.fault));
  return row.cells;
}

/** A cell as a person sees it; empty cells without quotes are `null`. */
export function shown(cell: Cell): string | null {
  if (typeof cell !== 'string' && cell !== null) throw new Error('Not a text.');
  return cell === null ? null : Buffer.from(cell, 'latin1').toString('utf8');
}
