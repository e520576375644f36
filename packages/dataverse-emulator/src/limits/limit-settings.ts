export type Facet = 'requests' | 'executionTime' | 'concurrency';

/** `null` switches a limit off. Defaults: learn.microsoft.com/power-apps/developer/data-platform/api-limits. */
export interface LimitSettings {
  /** Documented: per user and web server. Measured once in a sandbox: one counter for all servers. */
  readonly scope: 'perServer' | 'shared';
  readonly windowMs: number;
  readonly requests: number | null;
  readonly executionTimeMs: number | null;
  readonly concurrency: number | null;
  /** A second, lower gauge for POST, PUT, PATCH and DELETE. */
  readonly writeConcurrency: number | null;
  /** Which limit is looked at first; a request is refused by the first it has passed. One left out is not looked at. */
  readonly order: readonly Facet[];
  /** Whether a refused request uses up the request count. */
  readonly countRefused: boolean;
  readonly retryAfter: RetryAfterSettings;
}

export interface RetryAfterSettings {
  /** `missing`, `zero` and `httpDate` are for testing clients: `httpDate` tells the growing model's wait, the other two ask for none. */
  readonly model: 'growing' | 'fixed' | 'missing' | 'zero' | 'httpDate';
  readonly fixedSeconds: number;
  /** The gauge frees at once, yet about half a minute was observed for a first refusal. */
  readonly concurrencySeconds: number;
  /** Factor for each further request that arrives before the wait has passed. */
  readonly growth: number;
  /** 8:18 minutes were observed. */
  readonly maxSeconds: number;
  /** Requests already on their way when the first refusal was answered are not early. */
  readonly earlyGraceMs: number;
  /** What happens to an early request that the limits alone would admit. */
  readonly early: 'judge' | 'refuse';
}
