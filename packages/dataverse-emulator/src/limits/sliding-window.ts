/**
 * Amounts with the time they were added, and the sum of those younger than the window. A ring that doubles when full;
 * adding and expiring cost constant time on average.
 */
export class SlidingWindow {
  #times = new Float64Array(64);
  #amounts = new Float64Array(64);
  #first = 0;
  #count = 0;
  #sum = 0;
  readonly #windowMs: number;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** `nowMs` must never go back. */
  add(nowMs: number, amount: number): void {
    this.#expire(nowMs);
    if (this.#count === this.#times.length) this.#grow();
    const slot = (this.#first + this.#count) & (this.#times.length - 1);
    this.#times[slot] = nowMs;
    this.#amounts[slot] = amount;
    this.#count += 1;
    this.#sum += amount;
  }

  sum(nowMs: number): number {
    this.#expire(nowMs);
    return this.#sum;
  }

  /** How long until the sum, left alone, is below `limit`; 0 when it already is. */
  msUntilBelow(limit: number, nowMs: number): number {
    this.#expire(nowMs);
    let left = this.#sum;
    if (left < limit) return 0;
    for (let index = 0; index < this.#count; index += 1) {
      const slot = (this.#first + index) & (this.#times.length - 1);
      left -= this.#amounts[slot] ?? 0;
      if (left < limit) return Math.max(0, (this.#times[slot] ?? nowMs) + this.#windowMs - nowMs);
    }
    return this.#windowMs;
  }

  #expire(nowMs: number): void {
    const oldest = nowMs - this.#windowMs;
    while (this.#count > 0 && (this.#times[this.#first] ?? 0) <= oldest) {
      this.#sum -= this.#amounts[this.#first] ?? 0;
      this.#first = (this.#first + 1) & (this.#times.length - 1);
      this.#count -= 1;
    }
    // Subtracting doubles leaves crumbs; an empty window is exactly zero.
    if (this.#count === 0) this.#sum = 0;
  }

  #grow(): void {
    const size = this.#times.length;
    const rotate = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const larger = new Float64Array(size * 2);
      larger.set(old.subarray(this.#first));
      larger.set(old.subarray(0, this.#first), size - this.#first);
      return larger;
    };
    this.#times = rotate(this.#times);
    this.#amounts = rotate(this.#amounts);
    this.#first = 0;
  }
}
