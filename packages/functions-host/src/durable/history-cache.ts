import { charsOfAll } from './history.ts';
import type { HistoryEvent } from './history.ts';

/** The history of one execution. */
export interface CachedHistory {
  readonly executionId: string;
  readonly events: HistoryEvent[];
}

/** About 200,000 events without data, or as much of few large ones. */
const maxCachedChars = 32 * 2 ** 20;

/** Histories of executions that were active lately; beyond a size of all together, the longest unused go. */
export class HistoryCache {
  readonly #byInstance = new Map<string, CachedHistory & { readonly chars: number }>();
  readonly #maxChars: number;
  #chars = 0;

  constructor(maxChars = maxCachedChars) {
    this.#maxChars = maxChars;
  }

  /** The history of an execution, read with `load` (JSON arrays of events) if it is not at hand. */
  take(instanceId: string, executionId: string, load: () => readonly string[]): CachedHistory {
    const cached = this.#byInstance.get(instanceId);
    this.drop(instanceId);
    if (cached?.executionId === executionId) return cached;
    return { executionId, events: load().flatMap((turn) => JSON.parse(turn) as HistoryEvent[]) };
  }

  put(instanceId: string, history: CachedHistory): void {
    this.drop(instanceId);
    const chars = charsOfAll(history.events);
    this.#byInstance.set(instanceId, { ...history, chars });
    this.#chars += chars;
    for (const [oldest] of this.#byInstance) {
      if (this.#chars <= this.#maxChars) return;
      this.drop(oldest);
    }
  }

  drop(instanceId: string): void {
    const cached = this.#byInstance.get(instanceId);
    if (!cached) return;
    this.#byInstance.delete(instanceId);
    this.#chars -= cached.chars;
  }
}
