import { readCsvRows } from './csv-rows.ts';
import { readJsonlRows } from './jsonl-rows.ts';
import type { ReadRow, SliceReading } from './source-row.ts';
import type { SourceFormat } from './source.ts';

/**
 * Reads the records of one slice, in order; `bytes` are the bytes of the whole slice and nothing else. Strict RFC 4180 with LF or CR LF,
 * or one JSON object a line; empty lines are no records. A record that cannot be read comes as its fault (`source.ragged`,
 * `source.encoding`, `source.json`, `source.fieldTooLong`, ...) in its place, so that row numbers always count all records.
 */
export function readRows(bytes: Buffer, format: SourceFormat, reading: SliceReading): Iterable<ReadRow> {
  return format.kind === 'csv' ? readCsvRows(bytes, format.delimiter, reading) : readJsonlRows(bytes, reading);
}
