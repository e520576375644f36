export interface ServerCounters {
  readonly requests: number;
  readonly refused: number;
  readonly running: number;
  readonly peakRunning: number;
}

interface MutableCounters {
  requests: number;
  refused: number;
  running: number;
  peakRunning: number;
}

const zero = (): MutableCounters => ({ requests: 0, refused: 0, running: 0, peakRunning: 0 });

/** What went through each server and with which status it was answered. */
export class Traffic {
  readonly #servers = new Map<number, MutableCounters>();
  readonly #statuses = new Map<number, number>();
  #running = 0;
  #peakRunning = 0;

  /** Requests in execution in the whole environment. */
  get running(): number {
    return this.#running;
  }

  arrive(server: number): void {
    this.#server(server).requests += 1;
  }

  refuse(server: number): void {
    this.#server(server).refused += 1;
  }

  start(server: number): void {
    const counters = this.#server(server);
    counters.running += 1;
    counters.peakRunning = Math.max(counters.peakRunning, counters.running);
    this.#running += 1;
    this.#peakRunning = Math.max(this.#peakRunning, this.#running);
  }

  end(server: number): void {
    this.#server(server).running -= 1;
    this.#running -= 1;
  }

  answer(status: number): void {
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
  }

  snapshot(): {
    readonly running: number;
    readonly peakRunning: number;
    readonly servers: Readonly<Record<string, ServerCounters>>;
    readonly statuses: Readonly<Record<string, number>>;
  } {
    return {
      running: this.#running,
      peakRunning: this.#peakRunning,
      servers: Object.fromEntries(
        [...this.#servers].sort(([a], [b]) => a - b).map(([server, counters]) => [server, { ...counters }]),
      ),
      statuses: Object.fromEntries(this.#statuses),
    };
  }

  resetCounters(): void {
    this.#statuses.clear();
    this.#peakRunning = this.#running;
    for (const counters of this.#servers.values()) {
      Object.assign(counters, { requests: 0, refused: 0, peakRunning: counters.running });
    }
  }

  #server(server: number): MutableCounters {
    const known = this.#servers.get(server);
    if (known !== undefined) return known;
    const counters = zero();
    this.#servers.set(server, counters);
    return counters;
  }
}
