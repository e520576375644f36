import type { Clock } from './clock.ts';
import { ThrottledError } from './errors.ts';
import type { ThrottleFacet } from './errors.ts';
import { untoldWaitMs } from './retry-after.ts';

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
 * request goes ahead alone, and only when it is answered without a throttle do the others follow.
 */
export interface ThrottleGate {
  /**
   * Waits for a pass; at once while the gate is open, whatever the deadline. Throws `ThrottledError` as soon as it is known that the wait ends after
   * `deadlineAtMs`, and the signal's reason when it is aborted.
   */
  enter(options: { readonly deadlineAtMs: number; readonly signal?: AbortSignal | undefined }): Promise<Pass>;
  /** Ends a pass. Returns the wait in milliseconds that a throttle led to, else 0. A second end of the same pass does nothing. */
  leave(pass: Pass, result: PassResult): number;
  /** A throttle that came inside an answer, such as in a part of a batch. Returns the wait in milliseconds. */
  throttled(told: ToldWait): number;
}

/** One gate per identity and process. */
export function createThrottleGate(options: { readonly clock: Clock }): ThrottleGate {
  const { clock } = options;
  const out = new Set<Pass>();
  const waiting = new Set<() => void>();
  let open = true;
  let notBeforeMs = 0;
  let facet: ThrottleFacet = 'other';
  let closings = 0;
  let untoldInARow = 0;
  let probe: Pass | undefined;

  function give(): Pass {
    const pass = { closings };
    out.add(pass);
    return pass;
  }
  function wake(): void {
    for (const resume of waiting) resume();
    waiting.clear();
  }
  function close(pass: Pass, told: ToldWait): number {
    // Answers to requests that were on their way when the gate closed belong to the same event.
    const sameEvent = pass.closings < closings;
    if (!sameEvent) closings += 1;
    if (told.retryAfterMs === undefined && (!sameEvent || untoldInARow === 0)) untoldInARow += 1;
    const waitMs = told.retryAfterMs ?? untoldWaitMs(untoldInARow);
    notBeforeMs = Math.max(notBeforeMs, clock.now() + waitMs);
    facet = told.facet;
    open = false;
    return waitMs;
  }
  async function probeEnds(withinMs: number, signal: AbortSignal | undefined): Promise<void> {
    const stop = new AbortController();
    const signals = signal === undefined ? [stop.signal] : [stop.signal, signal];
    const ended = new Promise<void>((resolve) => waiting.add(resolve));
    try {
      await Promise.race([ended, clock.sleep(withinMs, AbortSignal.any(signals))]);
    } finally {
      stop.abort();
    }
  }

  return {
    async enter({ deadlineAtMs, signal }) {
      for (;;) {
        signal?.throwIfAborted();
        if (open) return give();
        const nowMs = clock.now();
        const waitMs = notBeforeMs - nowMs;
        if (waitMs <= 0 && probe === undefined) return (probe = give());
        if (notBeforeMs > deadlineAtMs || nowMs >= deadlineAtMs) {
          throw new ThrottledError({ facet, retryAfterMs: Math.max(1_000, waitMs) });
        }
        await (waitMs > 0 ? clock.sleep(waitMs, signal) : probeEnds(deadlineAtMs - nowMs, signal));
      }
    },
    leave(pass, result) {
      if (!out.delete(pass)) return 0;
      const waitMs = typeof result === 'object' ? close(pass, result) : 0;
      if (pass === probe) {
        probe = undefined;
        if (result === 'answered') {
          untoldInARow = 0;
          open = clock.now() >= notBeforeMs;
        }
        wake();
      }
      return waitMs;
    },
    throttled: (told) => close({ closings }, told),
  };
}
