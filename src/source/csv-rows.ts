import { isUtf8 } from 'node:buffer';
import { type CsvRecord, CsvReader } from './csv-records.ts';
import { csvFault, recordTooLongText } from './fault-texts.ts';
import { fieldLimitBytes, recordLimitBytes } from './limits.ts';
import type { ReadRow, SliceReading } from './source-row.ts';
import type { SourceFault } from './source.ts';
import { findInvalidUtf8 } from './utf8.ts';

/** Rows of one slice of CSV. */
export function* readCsvRows(bytes: Buffer, delimiter: string, reading: SliceReading): Generator<ReadRow, void> {
  const reader = new CsvReader(bytes.toString('latin1'), { delimiter, fieldLimit: fieldLimitBytes });
  // One check of the whole is much cheaper than one for each record, and nearly always enough.
  const allUtf8 = isUtf8(bytes);
  let row = reading.firstRow;
  for (let record = reader.next(); record !== undefined; record = reader.next()) {
    const from = reading.from + record.from;
    const to = reading.from + record.to;
    const fault = findFault(record, allUtf8 ? undefined : bytes, row, reading);
    yield fault === undefined ? { row, from, to, cells: record.cells } : { row, from, to, fault };
    row += 1;
  }
}

function findFault(
  record: CsvRecord,
  doubtful: Buffer | undefined,
  row: number,
  reading: SliceReading,
): SourceFault | undefined {
  const isDoubtless = record.problem === undefined && doubtful === undefined;
  const isRagged = record.cells.length !== reading.columns.length;
  const isTooLong = record.to - record.from > recordLimitBytes;
  if (isDoubtless && !isRagged && !isTooLong) return undefined;
  const at = (position: number) => ({ row, byteOffset: reading.from + position });
  if (record.problem !== undefined) return csvFault(record.problem.kind, at(record.problem.at));
  if (isRagged) {
    const { length } = record.cells;
    const message = `The row has ${length} ${length === 1 ? 'cell' : 'cells'} where the header has ${reading.columns.length}.`;
    return { code: 'source.ragged', message, ...at(record.from) };
  }
  if (isTooLong) {
    return { code: 'source.recordTooLong', message: recordTooLongText, ...at(record.from) };
  }
  const invalid = doubtful && findInvalidUtf8(doubtful.subarray(record.from, record.to));
  if (invalid !== undefined) {
    return { code: 'source.encoding', message: 'The bytes are not UTF-8.', ...at(record.from + invalid) };
  }
  return undefined;
}
