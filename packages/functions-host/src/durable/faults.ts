import type { Clock } from '../clock.ts';
import type { TaskRow } from '../store/rows.ts';

/** What tests may do to an app that Azure may do to it as well. A correct app comes to the same result under all of it. */
export interface Faults {
  /**
   * Every event that reaches an orchestration is a turn of its own, over a history read anew from the database, and the orchestrator
   * runs twice a turn: a run whose two answers differ fails, and says so. Finds orchestrators that depend on time, chance or memory.
   */
  readonly replayEveryStep?: boolean | undefined;
  /** Asked whenever an activity is about to be delivered; what it returns happens to that activity. */
  readonly activity?: ((activity: DeliveredActivity) => ActivityFault | undefined) | undefined;
}

/** An activity on its way, `callHttp` included (under the name `BuiltIn::HttpActivity`). */
export interface DeliveredActivity {
  readonly name: string;
  readonly instanceId: string;
  /** Its number in the orchestration's history. */
  readonly taskId: number;
}

/** Times are in milliseconds of the host's clock. */
export interface ActivityFault {
  /** The activity waits this long before it starts. */
  readonly startDelayMs?: number;
  /** It has run, but the orchestration hears of it only after this time. Killed meanwhile, it runs again. */
  readonly resultDelayMs?: number;
  /**
   * How many times more it is delivered, each time after it has reported, as when acknowledgements are lost. It runs and reports again,
   * with the same delays; the first report counts.
   */
  readonly duplicates?: number;
}

/** One delivery of an activity. */
export interface Delivery extends TaskRow {
  readonly fault?: ActivityFault;
  /** It reports although another delivery has done so. */
  readonly isDuplicate?: boolean;
}

/** Work put off by faults. */
export class Delays {
  readonly #clock: Clock;
  readonly #cancels = new Map<() => void, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** When the next piece of work is due; infinite if there is none. */
  get nextAtMs(): number {
    // One by one: there may be more than fit into the arguments of one call.
    let nextMs = Number.POSITIVE_INFINITY;
    for (const atMs of this.#cancels.values()) nextMs = Math.min(nextMs, atMs);
    return nextMs;
  }

  /** Does the work after that time; at once if it is zero. */
  after(delayMs: number, work: () => void): void {
    if (delayMs <= 0) {
      work();
      return;
    }
    const atMs = this.#clock.now() + delayMs;
    const cancel = this.#clock.wakeAt(atMs, () => {
      this.#cancels.delete(cancel);
      work();
    });
    this.#cancels.set(cancel, atMs);
  }

  /** Drops everything. Activities are still in the store, and run when the host starts again. */
  cancelAll(): void {
    for (const cancel of this.#cancels.keys()) cancel();
    this.#cancels.clear();
  }
}
