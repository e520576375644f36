import type { HistoryEvent } from './history.ts';

/** The history of one execution. */
export interface CachedHistory {
  readonly executionId: string;
  readonly events: HistoryEvent[];
}

/** Histories of executions that were active lately; at most this many events altogether, beyond it the longest unused go. */
const maxCachedEvents = 200_000;

export class HistoryCache {
  readonly #byInstance = new Map<string, CachedHistory>();
  #eventCount = 0;

  /** The history of an execution, read with `load` (JSON arrays of events) if it is not at hand. */
  take(instanceId: string, executionId: string, load: () => readonly string[]): CachedHistory {
    const cached = this.#byInstance.get(instanceId);
    this.drop(instanceId);
    if (cached?.executionId === executionId) return cached;
    return { executionId, events: load().flatMap((turn) => JSON.parse(turn) as HistoryEvent[]) };
  }

  put(instanceId: string, history: CachedHistory): void {
    this.drop(instanceId);
    this.#byInstance.set(instanceId, history);
    this.#eventCount += history.events.length;
    for (const [oldest] of this.#byInstance) {
      if (this.#eventCount <= maxCachedEvents) return;
      this.drop(oldest);
    }
  }

  drop(instanceId: string): void {
    const cached = this.#byInstance.get(instanceId);
    if (!cached) return;
    this.#byInstance.delete(instanceId);
    this.#eventCount -= cached.events.length;
  }
}
