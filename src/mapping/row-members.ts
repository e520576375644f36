/**
 * JSON members of a row without braces, `"name":"A","population":5`, as the bytes they will be sent as. Rows that were encoded one after the other share
 * a block of memory, so that nothing is laid out before it is copied into a request.
 */
export class RowMembers {
  readonly #block: Buffer;
  readonly #from: number;
  readonly #to: number;

  constructor(block: Buffer, from: number, to: number) {
    this.#block = block;
    this.#from = from;
    this.#to = to;
  }

  /** Of one-byte text. */
  static of(text: string): RowMembers {
    const bytes = Buffer.from(text, 'latin1');
    return new RowMembers(bytes, 0, bytes.length);
  }

  get byteLength(): number {
    return this.#to - this.#from;
  }

  /** In one-byte text. */
  text(): string {
    return this.#block.toString('latin1', this.#from, this.#to);
  }

  /** Copies the bytes to `at` and returns where they end. */
  copyTo(target: Buffer, at: number): number {
    return at + this.#block.copy(target, at, this.#from, this.#to);
  }

  /** These members behind others, which are one-byte text. */
  behind(others: string): RowMembers {
    return RowMembers.of([others, this.text()].filter((text) => text !== '').join(','));
  }
}
