import { isUtf8 } from 'node:buffer';
import { cellList } from './cells.ts';
import { CsvReader } from './csv-records.ts';
import { csvFault } from './fault-texts.ts';
import { findForeignFile, longestMark, startsWith } from './foreign-file.ts';
import { readJsonRecord } from './json-record.ts';
import { lines } from './jsonl-rows.ts';
import { columnLimit, columnNameLimit, fieldLimitBytes, recordLimitBytes } from './limits.ts';
import type { SourceFault, SourceFormat, SourceHead } from './source.ts';
import { decodeText } from './one-byte-text.ts';
import { findInvalidUtf8 } from './utf8.ts';

/** `needMore`: the head does not end within these bytes; call again with more of them (at most a little over 4 MiB are ever needed). */
export type HeadReading = { readonly head: SourceHead } | { readonly fault: SourceFault } | { readonly needMore: true };

const utf8Mark = [0xef, 0xbb, 0xbf];

/** Names that would reach an object's prototype if a row ever became a plain object. */
const refusedNames = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Reads what the first bytes of a source tell: its columns and where its records begin. `complete` says that the bytes are the whole
 * source. A CSV header without records is a good head; a source without any record line is `source.empty`.
 */
export function readHead(
  firstBytes: Buffer,
  format: SourceFormat,
  { complete }: { readonly complete: boolean },
): HeadReading {
  if (!complete && firstBytes.length < longestMark) return { needMore: true };
  const foreign = findForeignFile(firstBytes, format);
  if (foreign !== undefined) return faulty(foreign.code, foreign.message, 0);
  const from = startsWith(firstBytes, utf8Mark) ? utf8Mark.length : 0;
  const bytes = firstBytes.subarray(from);
  const reading = format.kind === 'csv' ? readCsvHead(bytes, format.delimiter, from) : readJsonlHead(bytes, from);
  if (reading.end < bytes.length || complete) return reading.result;
  return bytes.length > recordLimitBytes ? tooLong(format, from) : { needMore: true };
}

function faulty(code: string, message: string, byteOffset: number, row = 0): { fault: SourceFault } {
  return { fault: { code, message, row, byteOffset } };
}

function tooLong(format: SourceFormat, from: number): HeadReading {
  const what = format.kind === 'csv' ? 'header' : 'first record';
  return faulty('source.recordTooLong', `The ${what} is longer than ${recordLimitBytes} bytes.`, from);
}

/** `end` is where the head ends in the bytes; when it is their very end, more bytes could change the result. */
interface Attempt {
  readonly result: HeadReading;
  readonly end: number;
}

const empty = faulty('source.empty', 'The file is empty: it holds neither header nor rows.', 0);

function readCsvHead(bytes: Buffer, delimiter: string, from: number): Attempt {
  const reader = new CsvReader(bytes.toString('latin1'), { delimiter, fieldLimit: fieldLimitBytes });
  const record = reader.next();
  if (record === undefined) return { result: empty, end: bytes.length };
  const end = Math.min(reader.position, bytes.length);
  const invalid = findInvalidUtf8(bytes.subarray(record.from, record.to));
  if (invalid !== undefined) return { result: notUtf8(from + record.from + invalid), end };
  if (record.problem !== undefined) {
    const place = { row: 0, byteOffset: from + record.problem.at };
    return { result: { fault: csvFault(record.problem.kind, place) }, end };
  }
  const columns = cellList(record.cells).map((cell) => (typeof cell === 'string' ? decodeText(cell) : ''));
  const problem = findNameProblem(columns);
  const result =
    problem === undefined
      ? { head: { columns, dataFrom: from + end } }
      : faulty('source.header', problem, from + record.from);
  return { result, end };
}

function notUtf8(byteOffset: number, row = 0) {
  return faulty('source.encoding', 'The bytes are not UTF-8 (perhaps Windows-1252).', byteOffset, row);
}

function readJsonlHead(bytes: Buffer, from: number): Attempt {
  const first = lines(bytes).next();
  if (first.done === true) return { result: empty, end: bytes.length };
  const [lineFrom, lineTo] = first.value;
  const line = bytes.subarray(lineFrom, lineTo);
  const end = lineTo;
  if (!isUtf8(line)) return { result: notUtf8(from + lineFrom + (findInvalidUtf8(line) ?? 0), 1), end };
  const record = readJsonRecord(line.toString('latin1'));
  if ('problem' in record) {
    const { message, at } = record.problem;
    return { result: faulty('source.json', message, from + lineFrom + at, 1), end };
  }
  const columns = [...record.members.keys()];
  const problem = findNameProblem(columns);
  const result =
    problem === undefined
      ? { head: { columns, dataFrom: from } }
      : faulty('source.header', problem, from + lineFrom, 1);
  return { result, end };
}

function findNameProblem(columns: readonly string[]): string | undefined {
  if (columns.length === 0) return 'The first record has no members.';
  if (columns.length > columnLimit) return `There are ${columns.length} columns; the limit is ${columnLimit}.`;
  const seen = new Set<string>();
  for (const [index, name] of columns.entries()) {
    if (name.trim() === '') return `Column ${index + 1} has no name.`;
    if (name.length > columnNameLimit)
      return `Column ${index + 1} has a name of more than ${columnNameLimit} characters.`;
    if (refusedNames.has(name)) return `Column ${index + 1} has the name ${name}, which is reserved.`;
    if (seen.has(name)) return `The name ${JSON.stringify(name)} stands twice, the second time as column ${index + 1}.`;
    seen.add(name);
  }
  return undefined;
}
