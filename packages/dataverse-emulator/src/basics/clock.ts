/** Where time comes from. The models never read the system clock themselves. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves once `now()` has reached `atMs`; at once when it already has. */
  until(atMs: number): Promise<void>;
}

/** Time that passes `factor` times as fast as the system's, from now on. */
export function scaledClock(factor: number): Clock {
  const startMs = Date.now();
  const now = (): number => startMs + (Date.now() - startMs) * factor;
  return {
    now,
    until: (atMs) => systemClock.until(Date.now() + Math.ceil((atMs - now()) / factor)),
  };
}

export const systemClock: Clock = {
  now: () => Date.now(),
  until: (atMs) => {
    const waitMs = atMs - Date.now();
    return waitMs <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, waitMs));
  },
};
