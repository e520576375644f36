/** Where time comes from. The models never read the system clock themselves. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves once `now()` has reached `atMs`; at once when it already has. */
  until(atMs: number): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  until: (atMs) => {
    const waitMs = atMs - Date.now();
    return waitMs <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, waitMs));
  },
};
