/** Limits of HTTP functions (host.json, extensions.http); undefined = none. */
export interface RequestLimits {
  /** How many run at once; more wait. */
  readonly maxConcurrentRequests: number | undefined;
  /** How many run and wait altogether; more are turned away. */
  readonly maxOutstandingRequests: number | undefined;
}

/** Lets requests of HTTP functions in, first come, first served. */
export class RequestGate {
  readonly #limits: RequestLimits;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  /** Does the work as soon as there is room for it; false if there are too many already. */
  async run(work: () => Promise<void>): Promise<boolean> {
    const { maxConcurrentRequests = Infinity, maxOutstandingRequests = Infinity } = this.#limits;
    if (this.#running + this.#waiting.length >= maxOutstandingRequests) return false;
    if (this.#running < maxConcurrentRequests) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await work();
      return true;
    } finally {
      // Whoever waits longest takes over the place.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
