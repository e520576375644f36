import type { Delivery } from './faults.ts';
import type { EventBody } from './history.ts';

export interface FinishedTask {
  readonly task: Delivery;
  readonly event: EventBody;
}

/** So many activities may finish before the event loop gets its turn; ten thousand instant ones would hold it up for long. */
const maxFinishedAtOnce = 500;

/** Runs activities in the order of their scheduling, at most `limit` at once, and hands in what finished in batches. */
export class ActivityPool {
  readonly #limit: number;
  readonly #run: (task: Delivery) => Promise<EventBody>;
  readonly #handIn: (batch: readonly FinishedTask[]) => void;
  #waiting: Delivery[] = [];
  #next = 0;
  #running = 0;
  #finished: FinishedTask[] = [];
  #stopped = false;
  #whenDrained: (() => void) | undefined;

  /** `run` must not reject. `handIn` is called once per turn of the event loop, with everything that finished meanwhile. */
  constructor(options: {
    limit: number;
    run: (task: Delivery) => Promise<EventBody>;
    handIn: (batch: readonly FinishedTask[]) => void;
  }) {
    this.#limit = options.limit;
    this.#run = options.run;
    this.#handIn = options.handIn;
  }

  add(tasks: readonly Delivery[]): void {
    for (const task of tasks) this.#waiting.push(task);
    this.#pump();
  }

  get isIdle(): boolean {
    return this.#running === 0 && this.#next >= this.#waiting.length && this.#finished.length === 0;
  }

  /** Starts nothing more; resolves when what runs has ended and is handed in. */
  stop(): Promise<void> {
    this.#stopped = true;
    if (this.#running === 0 && this.#finished.length === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#whenDrained = resolve));
  }

  #pump(): void {
    while (!this.#stopped && this.#running < this.#limit && this.#finished.length < maxFinishedAtOnce) {
      const task = this.#waiting[this.#next];
      if (!task) break;
      this.#next++;
      this.#running++;
      void this.#run(task).then((event) => this.#finish({ task, event }));
    }
    this.#forgetStarted();
  }

  /** Drops the started part of the line once it is half of it, so that neither memory nor shifting grows. */
  #forgetStarted(): void {
    if (this.#next * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }

  #finish(finished: FinishedTask): void {
    this.#running--;
    if (this.#finished.length === 0) setImmediate(() => this.#flush());
    this.#finished.push(finished);
    this.#pump();
  }

  #flush(): void {
    const batch = this.#finished;
    this.#finished = [];
    this.#handIn(batch);
    this.#pump();
    if (this.#stopped && this.#running === 0) this.#whenDrained?.();
  }
}
