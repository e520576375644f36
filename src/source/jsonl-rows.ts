import { isUtf8 } from 'node:buffer';
import { recordTooLongText } from './fault-texts.ts';
import { listedCells } from './cells.ts';
import { readJsonRecord } from './json-record.ts';
import { recordLimitBytes } from './limits.ts';
import { PlainJsonReader } from './plain-json.ts';
import type { ReadRow, SliceReading } from './source-row.ts';
import type { SourceFault } from './source.ts';
import { findInvalidUtf8 } from './utf8.ts';

/** Rows of one slice of JSON lines. */
export function* readJsonlRows(bytes: Buffer, reading: SliceReading): Generator<ReadRow, void> {
  const columns = new Set(reading.columns);
  const plain = isUtf8(bytes) ? new PlainJsonReader(bytes.toString('latin1'), reading.columns) : undefined;
  let row = reading.firstRow;
  for (const [from, to] of lines(bytes)) {
    const cells = to - from > recordLimitBytes ? undefined : plain?.read(from, to);
    const place = { ...reading, firstRow: row, from: reading.from + from };
    yield cells === undefined
      ? readLine(bytes.subarray(from, to), place, columns)
      : { row, from: place.from, to: reading.from + to, cells };
    row += 1;
  }
}

/** Ranges of the lines that are not empty, line ends left out. */
export function* lines(bytes: Buffer): Generator<readonly [from: number, to: number], void> {
  let from = 0;
  while (from < bytes.length) {
    const found = bytes.indexOf(10, from);
    const lineEnd = found < 0 ? bytes.length : found;
    const to = found > from && bytes[found - 1] === 13 ? found - 1 : lineEnd;
    if (to > from) yield [from, to];
    from = lineEnd + 1;
  }
}

/** `place` is the line's own: its number and offset. */
function readLine(bytes: Buffer, place: SliceReading, columns: ReadonlySet<string>): ReadRow {
  const { firstRow: row, from } = place;
  const range = { row, from, to: from + bytes.length };
  const unreadable = (code: string, message: string, at = 0) => {
    const fault: SourceFault = { code, message, row, byteOffset: from + at };
    return { ...range, fault };
  };
  if (bytes.length > recordLimitBytes) return unreadable('source.recordTooLong', recordTooLongText);
  if (!isUtf8(bytes)) return unreadable('source.encoding', 'The bytes are not UTF-8.', findInvalidUtf8(bytes));
  const record = readJsonRecord(bytes.toString('latin1'));
  if ('problem' in record) return unreadable('source.json', record.problem.message, record.problem.at);
  const cells = listedCells(place.columns.map((name) => record.members.get(name)));
  const extra = [...record.members.keys()].filter((name) => !columns.has(name));
  return extra.length === 0 ? { ...range, cells } : { ...range, cells, extra };
}
