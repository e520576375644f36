/**
 * Runs work by key: one at a time per key, at most `limit` keys at once, in the order in which keys were announced. Between one lot and the
 * next the event loop gets its turn, so that work which always calls for more (an orchestration that continues as new without waiting)
 * holds up nothing else.
 */
export class KeyedQueue {
  readonly #limit: number;
  readonly #work: (key: string) => Promise<void>;
  readonly #delayMs: (key: string) => number;
  readonly #ready = new Set<string>();
  readonly #running = new Set<string>();
  /** Keys announced again while their work was running. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, NodeJS.Timeout>();
  #pumpScheduled = false;
  #stopped = false;
  #whenDrained: (() => void) | undefined;

  /** `delayMs` says how long a key's work may still gather before it starts, asked at every announcement; `work` must not reject. */
  constructor(options: { limit: number; work: (key: string) => Promise<void>; delayMs?: (key: string) => number }) {
    this.#limit = options.limit;
    this.#work = options.work;
    this.#delayMs = options.delayMs ?? (() => 0);
  }

  /** There is something to do for this key. */
  announce(key: string): void {
    if (this.#stopped || this.#ready.has(key)) return;
    if (this.#running.has(key)) {
      this.#again.add(key);
      return;
    }
    const delayMs = this.#delayMs(key);
    if (delayMs <= 0) this.#makeReady(key);
    else if (!this.#delayed.has(key)) this.#delay(key, delayMs);
  }

  get isIdle(): boolean {
    return this.#ready.size === 0 && this.#running.size === 0 && this.#delayed.size === 0;
  }

  /** Starts nothing more; resolves when what runs has ended. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#ready.clear();
    for (const timer of this.#delayed.values()) clearTimeout(timer);
    this.#delayed.clear();
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#whenDrained = resolve));
  }

  #delay(key: string, delayMs: number): void {
    this.#delayed.set(
      key,
      setTimeout(() => this.#makeReady(key), delayMs),
    );
  }

  #makeReady(key: string): void {
    clearTimeout(this.#delayed.get(key));
    this.#delayed.delete(key);
    this.#ready.add(key);
    this.#schedulePump();
  }

  #schedulePump(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    setImmediate(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (const key of this.#ready) {
      if (this.#running.size >= this.#limit || this.#stopped) return;
      this.#ready.delete(key);
      this.#running.add(key);
      void this.#work(key).finally(() => this.#finish(key));
    }
  }

  #finish(key: string): void {
    this.#running.delete(key);
    if (this.#again.delete(key)) this.announce(key);
    if (this.#stopped && this.#running.size === 0) this.#whenDrained?.();
    if (!this.#stopped && this.#ready.size > 0) this.#schedulePump();
  }
}
