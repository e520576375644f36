import type { Clock } from './clock.ts';
import { ThrottledError } from './errors.ts';
import type { ThrottleFacet } from './errors.ts';
import { untoldWaitMs } from './retry-after.ts';

/** A throttle whose wait is over, with somebody on the way to see, is still worth this. */
const leastWaitMs = 1_000;

/** Permission to send one request; handed back when its answer is known. */
export interface Pass {
  /** Counts the closings of the gate before this pass was given. */
  readonly closings: number;
}

export type PassResult =
  | 'answered'
  /** No answer, or none that says anything about limits. */
  | 'lost'
  | ToldWait;

export interface ToldWait {
  readonly facet: ThrottleFacet;
  /** Undefined where the answer named none. */
  readonly retryAfterMs: number | undefined;
}

/**
 * Makes everything that is sent under one identity wait together. A throttle closes the gate until its wait is over; then one
 * request goes ahead alone. Every answer without a throttle lets one more go at a time, so that their number doubles from round to
 * round, until nobody has to wait.
 */
export interface ThrottleGate {
  /**
   * Waits for a pass; at once while the gate is open, whatever the deadline. Throws `ThrottledError` as soon as it is known that the wait ends after
   * `deadlineAtMs`, and the signal's reason when it is aborted.
   */
  enter(options: { readonly deadlineAtMs: number; readonly signal?: AbortSignal | undefined }): Promise<Pass>;
  /** Whether the gate has not closed since the pass was given: a request that is not under way by then must not set out. */
  isValid(pass: Pass): boolean;
  /** Ends a pass. Returns the wait in milliseconds that a throttle led to, else 0. A second end of the same pass does nothing. */
  leave(pass: Pass, result: PassResult): number;
  /** 0 when a pass would be given at once, else how long the wait is at least. */
  waitMs(): number;
  /**
   * A throttle that came inside the answer to a request that was sent with this pass, such as in a part of a batch. Returns the wait in
   * milliseconds. The pass has still to be ended.
   */
  throttled(pass: Pass, told: ToldWait): number;
}

/** One gate per identity and process. */
export function createThrottleGate(options: { readonly clock: Clock }): ThrottleGate {
  return new Gate(options.clock);
}

class Gate implements ThrottleGate {
  readonly #clock: Clock;
  /** Passes that have not been ended. */
  readonly #out = new Set<Pass>();
  /** Those of them that were given since the last wait was over, while the gate is not open again. */
  readonly #ahead = new Set<Pass>();
  #allowedAhead = 1;
  #open = true;
  #notBeforeMs = 0;
  #facet: ThrottleFacet = 'other';
  #closings = 0;
  #untoldInARow = 0;
  #waiting = 0;
  #resumes: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async enter({ deadlineAtMs, signal }: { deadlineAtMs: number; signal?: AbortSignal | undefined }): Promise<Pass> {
    signal?.throwIfAborted();
    if (this.#open) return this.#give();
    this.#waiting += 1;
    try {
      for (;;) {
        const pass = this.#tryGive();
        if (pass !== undefined) return pass;
        await this.#waitForChange(deadlineAtMs, signal);
        signal?.throwIfAborted();
      }
    } finally {
      this.#waiting -= 1;
    }
  }

  isValid(pass: Pass): boolean {
    return pass.closings === this.#closings;
  }

  waitMs(): number {
    if (this.#open) return 0;
    const leftMs = this.#notBeforeMs - this.#clock.now();
    if (leftMs <= 0 && this.#ahead.size < this.#allowedAhead) return 0;
    return Math.max(leastWaitMs, leftMs);
  }

  leave(pass: Pass, result: PassResult): number {
    if (!this.#out.delete(pass)) return 0;
    if (typeof result === 'object') return this.#close(pass, result);
    if (!this.#ahead.delete(pass)) return 0;
    if (result === 'answered') {
      this.#untoldInARow = 0;
      this.#allowedAhead += 1;
      this.#open = this.#waiting === 0;
    }
    this.#wake();
    return 0;
  }

  throttled(pass: Pass, told: ToldWait): number {
    return this.#close(pass, told);
  }

  #give(): Pass {
    const pass = { closings: this.#closings };
    this.#out.add(pass);
    return pass;
  }

  #tryGive(): Pass | undefined {
    if (this.#open) return this.#give();
    if (this.waitMs() > 0) return undefined;
    const pass = this.#give();
    this.#ahead.add(pass);
    return pass;
  }

  async #waitForChange(deadlineAtMs: number, signal: AbortSignal | undefined): Promise<void> {
    const nowMs = this.#clock.now();
    const waitMs = this.#notBeforeMs - nowMs;
    if (this.#notBeforeMs > deadlineAtMs || nowMs >= deadlineAtMs) {
      throw new ThrottledError({ facet: this.#facet, retryAfterMs: Math.max(leastWaitMs, waitMs) });
    }
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
    else await this.#somebodyLeaves(deadlineAtMs - nowMs, signal);
  }

  async #somebodyLeaves(withinMs: number, signal: AbortSignal | undefined): Promise<void> {
    const stop = new AbortController();
    const signals = signal === undefined ? [stop.signal] : [stop.signal, signal];
    const left = new Promise<void>((resolve) => this.#resumes.push(resolve));
    try {
      await Promise.race([left, this.#clock.sleep(withinMs, AbortSignal.any(signals))]);
    } finally {
      stop.abort();
    }
  }

  #close(pass: Pass, told: ToldWait): number {
    // Answers to requests that were on their way when the gate closed belong to the same event.
    const sameEvent = pass.closings < this.#closings;
    if (!sameEvent) this.#closings += 1;
    if (told.retryAfterMs === undefined && (!sameEvent || this.#untoldInARow === 0)) this.#untoldInARow += 1;
    const waitMs = told.retryAfterMs ?? untoldWaitMs(this.#untoldInARow);
    this.#notBeforeMs = Math.max(this.#notBeforeMs, this.#clock.now() + waitMs);
    this.#facet = told.facet;
    this.#open = false;
    this.#ahead.clear();
    this.#allowedAhead = 1;
    this.#wake();
    return waitMs;
  }

  #wake(): void {
    for (const resume of this.#resumes.splice(0)) resume();
  }
}
