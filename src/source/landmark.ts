/** Where a character stands next; the answer is kept until the reader has passed it, so the whole text is searched once. */
export class Landmark {
  readonly #text: string;
  readonly #character: string;
  #next = -1;

  constructor(text: string, character: string) {
    this.#text = text;
    this.#character = character;
  }

  /** Position at or behind `from`, or the text's length. Calls must not go back. */
  find(from: number): number {
    if (this.#next < from) {
      const found = this.#text.indexOf(this.#character, from);
      this.#next = found < 0 ? this.#text.length : found;
    }
    return this.#next;
  }
}
