import type { FailureSheet } from '../ledger/failures.ts';
import type { ExceptionLine } from '../ledger/parts.ts';
import { cellList } from '../source/cells.ts';
import { SourceChangedError, type BlobSource } from '../source/blob-source.ts';
import { csvLine, guardFormula } from '../source/csv-text.ts';
import { decodeText } from '../source/one-byte-text.ts';
import { readRows } from '../source/rows.ts';
import type { Cell } from '../source/source-row.ts';
import type { SourceFormat, SourcePin } from '../source/source.ts';

/** Columns of ours behind the original ones. `fanout_row` says which row a mended line stands for when the file is redriven. */
export const sheetColumns = {
  row: 'fanout_row',
  outcome: 'fanout_outcome',
  class: 'fanout_class',
  code: 'fanout_code',
  message: 'fanout_message',
  /** The text of a record that could not be read as columns. */
  record: 'fanout_record',
} as const;

export interface SheetSource {
  readonly source: Pick<BlobSource, 'read'>;
  readonly pin: SourcePin;
  readonly format: SourceFormat;
  readonly columns: readonly string[];
}

const byteOrderMark = '\uFEFF';

/**
 * `failures.csv`: the original columns and the reason, with a byte order mark, because spreadsheets take a file without one for another
 * encoding. A source that has changed since leaves the original columns empty: the reasons are the ledger's own.
 */
export function createFailureSheet(sheet: SheetSource): FailureSheet {
  return {
    header: byteOrderMark + csvLine([...sheet.columns, ...Object.values(sheetColumns)].map(guardFormula)),
    async linesOf(failures) {
      const from = Math.min(...failures.map((line) => line.from));
      const to = Math.max(...failures.map((line) => line.to));
      const bytes = await readOrNothing(sheet, from, to);
      return failures.map((line) => lineOf(sheet, line, bytes?.subarray(line.from - from, line.to - from))).join('');
    },
  };
}

async function readOrNothing({ source, pin }: SheetSource, from: number, to: number): Promise<Buffer | undefined> {
  try {
    return await source.read(pin, from, to);
  } catch (error) {
    if (error instanceof SourceChangedError) return undefined;
    throw error;
  }
}

function lineOf(sheet: SheetSource, line: ExceptionLine, record: Buffer | undefined): string {
  const { cells, text } = record === undefined ? unreadable(sheet, null) : cellsOf(sheet, line, record);
  const { rejection } = line;
  const reason = [
    String(line.sourceRow ?? line.row),
    line.outcome,
    rejection?.class ?? null,
    rejection?.code ?? null,
    rejection?.message ?? null,
    text,
  ];
  return csvLine([...cells, ...reason].map((cell) => (cell === null ? null : guardFormula(cell))));
}

interface LineCells {
  readonly cells: readonly (string | null)[];
  readonly text: string | null;
}

function cellsOf(sheet: SheetSource, line: ExceptionLine, record: Buffer): LineCells {
  const reading = { columns: sheet.columns, firstRow: line.row, from: line.from };
  for (const row of readRows(record, sheet.format, reading)) {
    if ('cells' in row) return { cells: cellList(row.cells).map(cellText), text: null };
  }
  return unreadable(sheet, record.toString('utf8'));
}

const unreadable = ({ columns }: SheetSource, text: string | null): LineCells => ({
  cells: columns.map(() => null),
  text,
});

function cellText(cell: Cell): string | null {
  if (cell === null || cell === undefined) return null;
  return decodeText(typeof cell === 'object' ? cell.json : cell);
}
