import { csvFault } from './fault-texts.ts';
import { faultLimit, recordLimitBytes, sliceLimitBytes } from './limits.ts';
import { type Boundary, type SliceIndex, createSliceIndex } from './slice-index.ts';
import type { SourceFault, SourceFormat, SourceHead } from './source.ts';

export interface IndexerOptions {
  /** An entry is remembered at least every so many records; no slice is finer. Default 100. */
  readonly entryRows?: number;
  /** ... and every so many bytes, if more than one record lies between. Default 1 MiB. */
  readonly entryBytes?: number;
  /** Upper bound of a slice; a single longer record makes a longer slice. Default 4 MiB. */
  readonly sliceBytes?: number;
}

export interface IndexedSource {
  readonly index: SliceIndex;
  readonly rowCount: number;
  /**
   * What makes the structure of the file doubtful, so that record numbers behind it prove nothing: `source.unclosedQuote`,
   * `source.quoteInField`, `source.textAfterQuote`, `source.recordTooLong`. At most 20; one for each record.
   */
  readonly faults: readonly SourceFault[];
}

/** One pass over all bytes of a source, from its very first byte on, in chunks of any size. */
export interface Indexer {
  push(chunk: Buffer): void;
  /** Slices of at most `sliceRows(rowCount)` rows, within the limits of the options. Call once, behind the last push. */
  finish(options: { readonly sliceRows: (rowCount: number) => number }): IndexedSource;
}

/** `head` as `readHead` gave it. Counts records exactly as `readRows` reads them. */
export function createIndexer(format: SourceFormat, head: SourceHead, options: IndexerOptions = {}): Indexer {
  return new RecordIndexer(format, head, options);
}

type QuoteFault = 'unclosedQuote' | 'quoteInField' | 'textAfterQuote';

const lineFeed = 10;
const carriageReturn = 13;
const quote = 34;

/** Bytes looked at one by one: a call of indexOf costs about as much, and in files of short cells the next mark is nearer. */
const nearBytes = 32;

/** Position of the byte at or behind `from`, or the chunk's length. */
function findByte(chunk: Buffer, byte: number, from: number): number {
  const near = Math.min(chunk.length, from + nearBytes);
  for (let at = from; at < near; at += 1) if (chunk[at] === byte) return at;
  const found = near === chunk.length ? -1 : chunk.indexOf(byte, near);
  return found < 0 ? chunk.length : found;
}

/** Where in a record the next byte stands. */
type Mode = 'bare' | 'quoted' | 'behindQuote' | 'behindReturn';

class RecordIndexer implements Indexer {
  readonly #delimiter: number;
  readonly #hasQuotes: boolean;
  readonly #entryRows: number;
  readonly #entryBytes: number;
  readonly #sliceBytes: number;
  readonly #faults: SourceFault[] = [];
  readonly #entries: Boundary[];
  #mode: Mode = 'bare';
  #rowCount = 0;
  /** Offset of the next chunk in the source. */
  #offset = 0;
  /** Where the last record's line ended; blank lines may lie between it and the current record. */
  #recordsEnd: number;
  /** Where the current line began. */
  #lineFrom: number;
  #quoteFrom = 0;
  #lastByte = 0;
  #nextLineFeed = -1;
  #lastFaultRow = 0;

  constructor(format: SourceFormat, head: SourceHead, options: IndexerOptions) {
    this.#hasQuotes = format.kind === 'csv';
    this.#delimiter = format.kind === 'csv' ? format.delimiter.charCodeAt(0) : -1;
    this.#entryRows = options.entryRows ?? 100;
    this.#entryBytes = options.entryBytes ?? 1024 * 1024;
    this.#sliceBytes = options.sliceBytes ?? sliceLimitBytes;
    this.#entries = [{ firstRow: 1, from: head.dataFrom }];
    this.#recordsEnd = head.dataFrom;
    this.#lineFrom = head.dataFrom;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#nextLineFeed = -1;
    // Before the first record: byte order mark and header, which readHead has judged.
    let at = Math.min(chunk.length, Math.max(0, this.#lineFrom - this.#offset));
    while (at < chunk.length) at = this.#step(chunk, at);
    this.#lastByte = chunk[chunk.length - 1] ?? 0;
    this.#offset += chunk.length;
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#mode) {
      case 'bare':
        return this.#readBare(chunk, at);
      case 'quoted':
        return this.#readQuoted(chunk, at);
      case 'behindQuote':
        return this.#readBehindQuote(chunk, at);
      case 'behindReturn':
        if (chunk[at] !== lineFeed) this.#addQuoteFault('textAfterQuote', this.#offset + at - 1);
        this.#mode = 'bare';
        return at;
    }
  }

  /** Outside quotation marks: hops from line end to line end, up to the next quotation mark. */
  #readBare(chunk: Buffer, from: number): number {
    const stop = this.#hasQuotes ? findByte(chunk, quote, from) : chunk.length;
    for (let at = this.#findLineFeed(chunk, from); at < stop; at = this.#findLineFeed(chunk, at + 1)) {
      this.#endLine(chunk, at);
    }
    if (stop === chunk.length) return stop;
    if (this.#isFieldStart(chunk, stop)) {
      this.#mode = 'quoted';
      this.#quoteFrom = this.#offset + stop;
    } else {
      this.#addQuoteFault('quoteInField', this.#offset + stop);
    }
    return stop + 1;
  }

  /** Position at or behind `from`, or the chunk's length; kept until passed, because many quotation marks may come before it. */
  #findLineFeed(chunk: Buffer, from: number): number {
    if (this.#nextLineFeed < from) this.#nextLineFeed = findByte(chunk, lineFeed, from);
    return this.#nextLineFeed;
  }

  #byteBefore(chunk: Buffer, at: number): number {
    return at > 0 ? (chunk[at - 1] ?? 0) : this.#lastByte;
  }

  #isFieldStart(chunk: Buffer, at: number): boolean {
    return this.#offset + at === this.#lineFrom || this.#byteBefore(chunk, at) === this.#delimiter;
  }

  /** Inside quotation marks; what is clear from the next bytes of the chunk is settled here, because marks come in crowds. */
  #readQuoted(chunk: Buffer, from: number): number {
    let at = from;
    for (;;) {
      const found = findByte(chunk, quote, at);
      if (found === chunk.length) return found;
      const next = chunk[found + 1];
      if (next === quote) {
        at = found + 2;
      } else if (next === this.#delimiter && chunk[found + 2] === quote) {
        this.#quoteFrom = this.#offset + found + 2;
        at = found + 3;
      } else {
        this.#mode = 'behindQuote';
        return found + 1;
      }
    }
  }

  #readBehindQuote(chunk: Buffer, at: number): number {
    const byte = chunk[at];
    if (byte === quote) {
      this.#mode = 'quoted';
      return at + 1;
    }
    if (byte === carriageReturn) {
      this.#mode = 'behindReturn';
      return at + 1;
    }
    if (byte !== lineFeed && byte !== this.#delimiter) this.#addQuoteFault('textAfterQuote', this.#offset + at);
    this.#mode = 'bare';
    return byte === lineFeed ? at : at + 1;
  }

  #endLine(chunk: Buffer, at: number): void {
    const end = this.#offset + at + 1;
    const length = end - 1 - this.#lineFrom;
    const isBlank = length === 0 || (length === 1 && this.#byteBefore(chunk, at) === carriageReturn);
    this.#lineFrom = end;
    if (!isBlank) this.#endRecord(end);
  }

  #endRecord(end: number): void {
    const last = this.#entries[this.#entries.length - 1];
    const rows = this.#rowCount + 1 - (last?.firstRow ?? 1);
    if (rows > 0 && (rows >= this.#entryRows || end - (last?.from ?? 0) > this.#entryBytes)) {
      this.#entries.push({ firstRow: this.#rowCount + 1, from: this.#recordsEnd });
    }
    this.#checkLength(end);
    this.#rowCount += 1;
    this.#recordsEnd = end;
  }

  #checkLength(end: number): void {
    if (end - this.#recordsEnd <= recordLimitBytes) return;
    const message = `The record, with blank lines before it, is longer than ${recordLimitBytes} bytes.`;
    const place = { row: this.#rowCount + 1, byteOffset: this.#recordsEnd };
    this.#addFault({ code: 'source.recordTooLong', message, ...place });
  }

  #addQuoteFault(kind: QuoteFault, byteOffset: number): void {
    this.#addFault(csvFault(kind, { row: this.#rowCount + 1, byteOffset }));
  }

  /** One for each record: what follows the first is mostly its consequence. */
  #addFault(fault: SourceFault): void {
    if (fault.row === this.#lastFaultRow || this.#faults.length >= faultLimit) return;
    this.#lastFaultRow = fault.row;
    this.#faults.push(fault);
  }

  finish({ sliceRows }: { readonly sliceRows: (rowCount: number) => number }): IndexedSource {
    if (this.#mode === 'quoted') this.#addQuoteFault('unclosedQuote', this.#quoteFrom);
    if (this.#mode === 'behindReturn') this.#addQuoteFault('textAfterQuote', this.#offset - 1);
    if (this.#offset > this.#lineFrom) this.#endRecord(this.#offset);
    else this.#checkLength(this.#offset);
    const boundaries = this.#coarsen(sliceRows(this.#rowCount));
    return { index: createSliceIndex(boundaries), rowCount: this.#rowCount, faults: this.#faults };
  }

  /** Joins neighbouring entries as long as they make one slice; bytes behind the last record belong to the last slice. */
  #coarsen(sliceRows: number): Boundary[] {
    const end = { firstRow: this.#rowCount + 1, from: this.#offset };
    const [first, ...rest] = this.#entries;
    if (first === undefined || this.#rowCount === 0) return [end];
    const boundaries = [first];
    let start = first;
    let last = first;
    for (const entry of [...rest, end]) {
      const isTooMuch = entry.firstRow - start.firstRow > sliceRows || entry.from - start.from > this.#sliceBytes;
      if (isTooMuch && last !== start) {
        boundaries.push(last);
        start = last;
      }
      last = entry;
    }
    boundaries.push(end);
    return boundaries;
  }
}
