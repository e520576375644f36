import type { Rejection } from '../plan/outcome.ts';
import { decodeText } from '../source/one-byte-text.ts';
import type { Cell, SourceRow } from '../source/source-row.ts';
import type { CellEncoder } from './cell-encoder.ts';

/** A source column with the encoder of its target. */
export interface PreparedCell {
  readonly source: number;
  readonly name: string;
  readonly encode: CellEncoder;
}

/** The encoded value of a cell that is not empty. */
export function encodeCell(
  row: SourceRow,
  cell: Exclude<Cell, null | undefined>,
  prepared: PreparedCell,
): string | Rejection {
  if (typeof cell === 'object') {
    return rejectionOf('mapping.nested', prepared.name, 'an object or array is not a value', row);
  }
  const encoded = prepared.encode(cell);
  if (typeof encoded === 'string') return encoded;
  return rejectionOf(encoded.code, prepared.name, `'${shorten(decodeText(cell))}' ${encoded.problem}`, row);
}

export function rejectionOf(code: string, column: string, problem: string, row: SourceRow): Rejection {
  return { class: 'mapping', code, message: `Column ${column}: ${problem} (row ${row.row})` };
}

const shownCharacters = 60;

export function shorten(text: string): string {
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}
