import { CellSpans, type Cells } from './cells.ts';
import { Landmark } from './landmark.ts';
import { fieldLimitBytes } from './limits.ts';
import { encodeText } from './one-byte-text.ts';

const [space, quote, comma, colon, opening, closing] = [32, 34, 44, 58, 123, 125];

/** Characters that no JSON string holds as they are; the line end is of the file. */
// eslint-disable-next-line no-control-regex -- exactly these
const control = /[\0-\x09\x0b\x0c\x0e-\x1f]|\r(?!\n)/;
/**
 * Reads JSON lines as programs write them: the members of the head in its order, plain values, texts without escapes. What it takes is JSON and
 * is read as `readJsonRecord` reads it; every other line it leaves alone.
 */
export class PlainJsonReader {
  readonly #text: string;
  readonly #names: readonly string[];
  readonly #spans: CellSpans;
  readonly #quotes: Landmark;
  readonly #backslashes: Landmark;
  readonly #hasControl: boolean;
  /** RFC 8259 section 6, and the words of section 3. */
  readonly #plainValue = /true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

  /** `text`: one-byte text of valid UTF-8. */
  constructor(text: string, columns: readonly string[]) {
    this.#text = text;
    this.#names = columns.map((name) => encodeText(JSON.stringify(name)));
    this.#spans = new CellSpans(text);
    this.#quotes = new Landmark(text, '"');
    this.#backslashes = new Landmark(text, '\\');
    this.#hasControl = control.test(text);
  }

  /** The cells of the line from `from` to `to`, line end left out; undefined when it is not plain. Lines must come in order. */
  read(from: number, to: number): Cells | undefined {
    if (this.#hasControl) return undefined;
    this.#spans.begin();
    let at = from;
    let before = opening;
    for (const name of this.#names) {
      if (this.#text.charCodeAt(at) !== before) return undefined;
      const valueAt = this.#valueAt(this.#skipSpace(at + 1), name);
      const valueTo = valueAt < 0 ? -1 : this.#readValue(valueAt, to);
      if (valueTo < 0) return undefined;
      at = this.#skipSpace(valueTo);
      before = comma;
    }
    return this.#text.charCodeAt(at) === closing && at === to - 1 ? this.#spans.end() : undefined;
  }

  #skipSpace(from: number): number {
    let at = from;
    while (this.#text.charCodeAt(at) === space) at += 1;
    return at;
  }

  /** Where the value of the member begins that begins at `at`, or a negative number when it has another name. */
  #valueAt(at: number, name: string): number {
    if (!this.#text.startsWith(name, at)) return -1;
    const colonAt = this.#skipSpace(at + name.length);
    return this.#text.charCodeAt(colonAt) === colon ? this.#skipSpace(colonAt + 1) : -1;
  }

  /** Where the value ends, or a negative number when it is not plain. */
  #readValue(at: number, lineTo: number): number {
    if (this.#text.charCodeAt(at) === quote) return this.#readText(at + 1, lineTo);
    if (this.#text.startsWith('null', at)) {
      this.#spans.addNothing(at);
      return at + 4;
    }
    this.#plainValue.lastIndex = at;
    if (!this.#plainValue.test(this.#text)) return -1;
    const to = this.#plainValue.lastIndex;
    if (to - at > fieldLimitBytes) return -1;
    this.#spans.addRange(at, to);
    return to;
  }

  #readText(from: number, lineTo: number): number {
    const close = this.#quotes.find(from);
    if (close >= lineTo || this.#backslashes.find(from) < close || close - from > fieldLimitBytes) return -1;
    this.#spans.addRange(from, close);
    return close + 1;
  }
}
