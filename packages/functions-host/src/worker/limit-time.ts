import type { Clock } from '../clock.ts';

/** How long functions may take. */
export interface TimeLimit {
  readonly clock: Clock;
  /** From host.json; undefined = no limit. */
  readonly functionTimeoutMs: number | undefined;
}

/** Gives up waiting for a function after its time. The handler itself cannot be stopped; its late result is dropped. */
export async function limitTime<T>(limit: TimeLimit, name: string, work: Promise<T>): Promise<T> {
  const { clock, functionTimeoutMs: limitMs } = limit;
  if (limitMs === undefined) return await work;
  let cancel: (() => void) | undefined;
  const expired = new Promise<never>((_, reject) => {
    const error = new Error(`Timeout value of ${limitMs / 1000} s exceeded by function: Functions.${name}`);
    cancel = clock.wakeAt(clock.now() + limitMs, () => reject(error));
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    cancel?.();
  }
}
