import type { SourceFormat } from './source.ts';

/** First bytes of what people upload by mistake; longer marks before shorter ones that they begin with. */
const foreignMarks = [
  { bytes: [0xff, 0xfe, 0, 0], is: 'UTF-32 (little-endian)' },
  { bytes: [0, 0, 0xfe, 0xff], is: 'UTF-32 (big-endian)' },
  { bytes: [0xff, 0xfe], is: 'UTF-16 (little-endian)' },
  { bytes: [0xfe, 0xff], is: 'UTF-16 (big-endian)' },
  { bytes: [0x50, 0x4b, 3, 4], is: 'a ZIP archive, perhaps an Excel workbook' },
  { bytes: [0x1f, 0x8b], is: 'compressed with gzip' },
];

/** Bytes that are needed to tell the marks apart. */
export const longestMark = 4;

/** NUL stands in no text that anybody means; in UTF-16 without a mark it is every other byte of Latin text. */
const lookedAtBytes = 256;

export interface ForeignFile {
  readonly code: 'source.encoding' | 'source.format';
  readonly message: string;
}

/** What the first bytes say a file is instead of UTF-8 text in the format asked for; undefined where nothing speaks against it. */
export function findForeignFile(bytes: Buffer, { kind }: SourceFormat): ForeignFile | undefined {
  const mark = foreignMarks.find((foreign) => startsWith(bytes, foreign.bytes));
  if (mark !== undefined) {
    return { code: 'source.encoding', message: `The file is ${mark.is}; it must be text in UTF-8.` };
  }
  const start = bytes.toString('latin1', 0, lookedAtBytes);
  if (start.split('\n', 1)[0]?.includes('\0') === true) {
    const message =
      'The file begins with NUL bytes: it is UTF-16 without a mark, or no text; it must be text in UTF-8.';
    return { code: 'source.encoding', message };
  }
  // Such a line is never a CSV header: the quotation mark stands inside a field.
  if (kind === 'csv' && /^(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*"/.test(start)) {
    return { code: 'source.format', message: 'The file looks like JSON. For JSON lines set source.format to "jsonl".' };
  }
  if (kind === 'jsonl' && /^(?:\xef\xbb\xbf)?\s*\[/.test(start)) {
    const message =
      'The file begins with "[", like a JSON array; JSON lines are one object a line, without brackets around them.';
    return { code: 'source.format', message };
  }
  return undefined;
}

const delimiters: readonly string[] = [',', ';', '\t', '|'];

/** A header that was read as one column although it holds what usually separates columns; in words, to stand beside other faults. */
export function suspectDelimiter(format: SourceFormat, columns: readonly string[]): string | undefined {
  const [only = '', second] = columns;
  if (format.kind !== 'csv' || second !== undefined) return undefined;
  const other = delimiters.find((delimiter) => delimiter !== format.delimiter && only.includes(delimiter));
  if (other === undefined) return undefined;
  const used = JSON.stringify(format.delimiter);
  return `Read with ${used}, the header is one column that holds ${JSON.stringify(other)}: perhaps that is the delimiter.`;
}

export function startsWith(bytes: Buffer, mark: readonly number[]): boolean {
  return mark.every((byte, at) => bytes[at] === byte);
}
