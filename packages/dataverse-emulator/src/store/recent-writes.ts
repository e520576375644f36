import type { Write } from './database.ts';
import type { Row, TableStore } from './table-store.ts';

interface RecentWrite {
  readonly before: Row | undefined;
  readonly version: number;
  readonly atMs: number;
}

/**
 * Elastic tables are consistent within a session only: who reads without the session token of a write may see what was there
 * before it. Remembers what that was. learn.microsoft.com/power-apps/developer/data-platform/elastic-tables (consistency level)
 */
export class RecentWrites {
  readonly #lagMs: () => number;
  #byStore = new WeakMap<TableStore, Map<string, RecentWrite>>();

  constructor(lagMs: () => number) {
    this.#lagMs = lagMs;
  }

  note(writes: readonly Write[], atMs: number): void {
    if (this.#lagMs() === 0) return;
    for (const { store, before, after, version } of writes) {
      const row = after ?? before;
      if (!store.model.isElastic || row === undefined) continue;
      const recent = this.#byStore.get(store) ?? new Map<string, RecentWrite>();
      this.#byStore.set(store, recent);
      const key = store.keyOf(row);
      const known = recent.get(key);
      const isStillUnseen = known !== undefined && atMs - known.atMs < this.#lagMs();
      recent.set(key, { before: isStillUnseen ? known.before : before, version, atMs });
    }
  }

  /** The row as a reader sees it whose session token covers writes up to `version`. */
  seen(store: TableStore, key: string, version: number, nowMs: number): Row | undefined {
    const row = store.getByKey(key);
    const write = this.#byStore.get(store)?.get(key);
    const isUnseen = write !== undefined && write.version > version && nowMs - write.atMs < this.#lagMs();
    return isUnseen ? write.before : row;
  }

  /** Every row of a table as such a reader sees it. */
  seenRows(store: TableStore, version: number, nowMs: number): readonly Row[] {
    const keys = new Set([...store.sortedIds(), ...(this.#byStore.get(store)?.keys() ?? [])]);
    return [...keys].flatMap((key) => this.seen(store, key, version, nowMs) ?? []);
  }

  clear(): void {
    this.#byStore = new WeakMap();
  }
}
