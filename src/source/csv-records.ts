import { CellSpans, type Cells } from './cells.ts';
import { Landmark } from './landmark.ts';

const quote = 34;
const carriageReturn = 13;

export type CsvProblem = 'quoteInField' | 'textAfterQuote' | 'unclosedQuote' | 'loneReturn' | 'fieldTooLong';

/** One record as the reader found it. The object is used again for the next record, its cells are not. They are there once it is read. */
export interface CsvRecord {
  /** Range in the text, without the line end. */
  from: number;
  to: number;
  cells: Cells;
  problem: { readonly kind: CsvProblem; readonly at: number } | undefined;
}

const concernsRecordAlone: ReadonlySet<CsvProblem> = new Set<CsvProblem>(['loneReturn', 'fieldTooLong']);

/** The first problem of a record counts, but what makes the file doubtful goes before what concerns the record alone. */
function report(record: CsvRecord, kind: CsvProblem, at: number): void {
  const known = record.problem?.kind;
  const goesBefore = known === undefined || (concernsRecordAlone.has(known) && !concernsRecordAlone.has(kind));
  if (goesBefore) record.problem = { kind, at };
}

/**
 * Reads RFC 4180 records, one after the other, from one-byte text that starts at a record and ends behind one. Lines end with LF or
 * CR LF. After a problem it goes on in the same way as the indexer, so both see the same records.
 */
export class CsvReader {
  readonly #text: string;
  readonly #delimiter: string;
  readonly #lineEnds: Landmark;
  readonly #delimiters: Landmark;
  readonly #quotes: Landmark;
  readonly #hasLoneReturn: boolean;
  readonly #fieldLimit: number;
  readonly #spans: CellSpans;
  readonly #record: CsvRecord;
  #at = 0;

  constructor(text: string, options: { readonly delimiter: string; readonly fieldLimit: number }) {
    this.#text = text;
    this.#delimiter = options.delimiter;
    this.#fieldLimit = options.fieldLimit;
    this.#spans = new CellSpans(text);
    this.#record = { from: 0, to: 0, cells: this.#spans.end(), problem: undefined };
    this.#lineEnds = new Landmark(text, '\n');
    this.#delimiters = new Landmark(text, options.delimiter);
    this.#quotes = new Landmark(text, '"');
    this.#hasLoneReturn = text.includes('\r') && /\r(?!\n)/.test(text);
  }

  /** Where the next record, or the blank lines before it, begins. Behind a last record without line end it passes the end. */
  get position(): number {
    return this.#at;
  }

  /** The next record, or undefined at the end. */
  next(): CsvRecord | undefined {
    this.#skipBlankLines();
    if (this.#at >= this.#text.length) return undefined;
    const record = this.#record;
    record.from = this.#at;
    record.problem = undefined;
    this.#spans.begin();
    while (this.#readField(record));
    record.cells = this.#spans.end();
    return record;
  }

  #skipBlankLines(): void {
    const text = this.#text;
    for (;;) {
      if (text.charCodeAt(this.#at) === 10) this.#at += 1;
      else if (text.charCodeAt(this.#at) === carriageReturn && text.charCodeAt(this.#at + 1) === 10) this.#at += 2;
      else return;
    }
  }

  /** True when another field of the same record follows. */
  #readField(record: CsvRecord): boolean {
    return this.#text.charCodeAt(this.#at) === quote ? this.#readQuoted(record) : this.#readBare(record, this.#at);
  }

  #readBare(record: CsvRecord, from: number): boolean {
    const lineEnd = this.#lineEnds.find(this.#at);
    const delimiterAt = this.#delimiters.find(this.#at);
    const isLast = delimiterAt >= lineEnd;
    const to = isLast ? this.#beforeLineEnd(from, lineEnd) : delimiterAt;
    const quoteAt = this.#quotes.find(this.#at);
    if (quoteAt < to) report(record, 'quoteInField', quoteAt);
    if (this.#hasLoneReturn) this.#checkReturns(record, from, to);
    if (from === to) this.#spans.addNothing(from);
    else this.#spans.addRange(from, to);
    this.#checkLength(record, from, to);
    return this.#endField(record, to, isLast ? lineEnd + 1 : to + 1, isLast);
  }

  /** The line end's CR does not belong to the field; at the end of the text there is no line end. */
  #beforeLineEnd(from: number, lineEnd: number): number {
    const isCrLf =
      lineEnd > from && lineEnd < this.#text.length && this.#text.charCodeAt(lineEnd - 1) === carriageReturn;
    return isCrLf ? lineEnd - 1 : lineEnd;
  }

  #checkReturns(record: CsvRecord, from: number, to: number): void {
    const at = this.#text.slice(from, to).indexOf('\r');
    if (at >= 0) report(record, 'loneReturn', from + at);
  }

  #readQuoted(record: CsvRecord): boolean {
    const text = this.#text;
    const from = this.#at + 1;
    let doubled = 0;
    let close = this.#quotes.find(from);
    while (text.charCodeAt(close + 1) === quote) {
      doubled += 1;
      close = this.#quotes.find(close + 2);
    }
    if (close >= text.length) {
      report(record, 'unclosedQuote', from - 1);
      this.#spans.addRange(from, text.length);
      this.#checkLength(record, from, text.length);
      return this.#endField(record, text.length, text.length, true);
    }
    if (doubled > 0) this.#spans.addDoubled(from, close);
    else this.#spans.addRange(from, close);
    this.#checkLength(record, from, close - doubled);
    return this.#afterQuote(record, close + 1);
  }

  #afterQuote(record: CsvRecord, at: number): boolean {
    const text = this.#text;
    if (at >= text.length) return this.#endField(record, at, at, true);
    const character = text.charAt(at);
    if (character === this.#delimiter) return this.#endField(record, at, at + 1, false);
    if (character === '\n') return this.#endField(record, at, at + 1, true);
    if (character === '\r' && text.charCodeAt(at + 1) === 10) return this.#endField(record, at, at + 2, true);
    report(record, 'textAfterQuote', at);
    this.#at = at;
    return this.#readBare(record, at);
  }

  #checkLength(record: CsvRecord, from: number, to: number): void {
    if (to - from > this.#fieldLimit) report(record, 'fieldTooLong', from);
  }

  /** The record ends where its last field ends; a delimiter at the very end of the text leaves one empty field to read. */
  #endField(record: CsvRecord, fieldEnd: number, next: number, isLast: boolean): boolean {
    this.#at = next;
    record.to = fieldEnd;
    return !isLast;
  }
}
