import type { Cell } from './source-row.ts';

/**
 * The cells of one record. Most cells of a CSV record are a range of the text they were found in; such a `range` can be read in its place,
 * and only `at` makes a string of it.
 */
export interface Cells {
  readonly length: number;
  at(index: number): Cell;
  /** What `from` and `to` count in. */
  readonly text: string;
  /** Whether the cell is the text from `from(index)` to `to(index)` and not empty. */
  isRange(index: number): boolean;
  from(index: number): number;
  to(index: number): number;
}

/** Cells that are values already. */
export function listedCells(values: readonly Cell[]): Cells {
  return {
    length: values.length,
    at: (index) => values[index],
    text: '',
    isRange: () => false,
    from: () => 0,
    to: () => 0,
  };
}

export const cellList = (cells: Cells): Cell[] => Array.from({ length: cells.length }, (_, index) => cells.at(index));

/** In place of an end: the cell is empty, without quotation marks. */
const nothing = -1;
/** Ends of cells with doubled quotation marks count down from here. */
const doubled = -2;

const cellsPerBlock = 4_096;

/** Takes down where the cells of records stand. Records of one block share its memory, which is cheaper than an array for each of them. */
export class CellSpans {
  readonly #text: string;
  #block = new Int32Array(0);
  #used = 0;
  #first = 0;

  constructor(text: string) {
    this.#text = text;
  }

  begin(): void {
    this.#first = this.#used;
  }

  addNothing(from: number): void {
    this.#add(from, nothing);
  }

  addRange(from: number, to: number): void {
    this.#add(from, to);
  }

  addDoubled(from: number, to: number): void {
    this.#add(from, doubled - to);
  }

  /** The cells since `begin`. */
  end(): Cells {
    return new SpannedCells(this.#text, this.#block, this.#first, (this.#used - this.#first) / 2);
  }

  #add(from: number, to: number): void {
    if (this.#used === this.#block.length) this.#beginBlock();
    this.#block[this.#used] = from;
    this.#block[this.#used + 1] = to;
    this.#used += 2;
  }

  /** The record that does not fit takes its cells along. */
  #beginBlock(): void {
    const begun = this.#block.subarray(this.#first, this.#used);
    this.#block = new Int32Array(Math.max(cellsPerBlock, begun.length) * 2);
    this.#block.set(begun);
    this.#first = 0;
    this.#used = begun.length;
  }
}

class SpannedCells implements Cells {
  readonly text: string;
  readonly length: number;
  readonly #spans: Int32Array;
  readonly #first: number;

  constructor(text: string, spans: Int32Array, first: number, length: number) {
    this.text = text;
    this.length = length;
    this.#spans = spans;
    this.#first = first;
  }

  at(index: number): Cell {
    if (!(index >= 0 && index < this.length)) return undefined;
    const to = this.to(index);
    if (to === nothing) return null;
    const from = this.from(index);
    return to >= 0 ? this.text.slice(from, to) : this.text.slice(from, doubled - to).replaceAll('""', '"');
  }

  isRange(index: number): boolean {
    return index < this.length && this.to(index) > this.from(index);
  }

  from(index: number): number {
    return this.#spans[this.#first + index * 2] ?? 0;
  }

  to(index: number): number {
    return this.#spans[this.#first + index * 2 + 1] ?? nothing;
  }
}
