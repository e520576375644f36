import type { SettingsPatch } from 'dataverse-emulator';
import { profiles } from 'dataverse-emulator';

/** How much faster than documented everything happens. */
export const speed = 4;
/** The limits' windows are shorter still, so that they bind within a short run; what they allow in a second is in proportion. */
export const windowSeconds = 15;
export const baseProfile = 'documented-4';

/** `documented-4`, faster: latencies and windows shrink, what is allowed per window shrinks with them. */
export function scaledProfile(): SettingsPatch {
  const documented = profiles.get(baseProfile);
  if (documented === undefined) throw new Error(`There is no profile ${baseProfile}.`);
  const { latency, limits } = documented;
  const windowShare = (windowSeconds * 1_000) / limits.windowMs;
  const faster = <T extends object>(times: T): T =>
    Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, Number(ms) / speed])) as T;
  return {
    latency: { overheadMs: faster(latency.overheadMs), rowMs: faster(latency.rowMs) },
    limits: {
      windowMs: windowSeconds * 1_000,
      requests: Math.round((limits.requests ?? 0) * windowShare * speed),
      executionTimeMs: (limits.executionTimeMs ?? 0) * windowShare,
      retryAfter: {
        concurrencySeconds: Math.ceil(limits.retryAfter.concurrencySeconds * windowShare),
        maxSeconds: Math.ceil(limits.retryAfter.maxSeconds * windowShare),
      },
    },
  };
}
