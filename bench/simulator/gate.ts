import type { EventQueue } from './event-queue.ts';

interface Waiting {
  readonly deadlineMs: number;
  readonly enter: (closings: number) => void;
  readonly giveUp: (waitMs: number) => void;
}

/**
 * The throttle gate of one process (src/dataverse/throttle-gate.ts) in virtual time: closed until the told wait is over, then one request alone,
 * then one more for every answer.
 */
export class SimulatedGate {
  readonly #queue: EventQueue;
  #open = true;
  #notBeforeMs = 0;
  #closings = 0;
  #ahead = 0;
  #allowedAhead = 1;
  #waiting: Waiting[] = [];

  constructor(queue: EventQueue) {
    this.#queue = queue;
  }

  enter(options: Waiting): void {
    if (this.#open) options.enter(this.#closings);
    else {
      this.#waiting.push(options);
      this.#serve();
    }
  }

  answered(closings: number): void {
    if (this.#open || closings < this.#closings) return;
    this.#ahead -= 1;
    this.#allowedAhead += 1;
    this.#open = this.#waiting.length === 0;
    this.#serve();
  }

  throttled(closings: number, waitMs: number): void {
    if (closings === this.#closings) this.#closings += 1;
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#queue.nowMs + waitMs);
    this.#open = false;
    this.#ahead = 0;
    this.#allowedAhead = 1;
    this.#serve();
    this.#queue.at(this.#notBeforeMs, () => this.#serve());
  }

  /** Lets in whom it may, and sends away whose deadline it cannot keep. */
  #serve(): void {
    const nowMs = this.#queue.nowMs;
    const kept: Waiting[] = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    const leaving: (() => void)[] = [];
    for (const one of waiting) {
      const waitMs = this.#notBeforeMs - nowMs;
      if (this.#open) leaving.push(() => one.enter(this.#closings));
      else if (waitMs <= 0 && this.#ahead < this.#allowedAhead) {
        this.#ahead += 1;
        leaving.push(() => one.enter(this.#closings));
      } else if (this.#notBeforeMs > one.deadlineMs || nowMs >= one.deadlineMs) {
        leaving.push(() => one.giveUp(Math.max(1_000, waitMs)));
      } else {
        kept.push(one);
        this.#queue.at(one.deadlineMs, () => this.#serve());
      }
    }
    this.#waiting.push(...kept);
    for (const leave of leaving) leave();
  }
}
