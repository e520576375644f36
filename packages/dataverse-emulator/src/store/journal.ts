import type { CommitInfo, Write, WriteOperation } from './database.ts';

/** One committed change of one row. */
export interface JournalEntry {
  readonly sequence: number;
  readonly requestId: string;
  /** Client id of the application user. */
  readonly user: string;
  readonly table: string;
  readonly operation: WriteOperation;
  readonly rowId: string;
  /** How the request named the row when not by its primary key, as in `code='K1'`. */
  readonly key: string | null;
  readonly rowVersion: number;
  readonly atMs: number;
}

/** Committed writes in commit order. Above the limit the oldest tenth is dropped, and `dropped` says how many are gone. */
export class Journal {
  readonly #limit: () => number;
  #entries: JournalEntry[] = [];
  #dropped = 0;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  get lastSequence(): number {
    return this.#dropped + this.#entries.length;
  }

  get dropped(): number {
    return this.#dropped;
  }

  record(writes: readonly Write[], { requestId, user, atMs }: CommitInfo): void {
    for (const { store, operation, id, key, version } of writes) {
      const sequence = this.#dropped + this.#entries.length + 1;
      const table = store.model.logicalName;
      this.#entries.push({ sequence, requestId, user, table, operation, rowId: id, key, rowVersion: version, atMs });
    }
    if (this.#entries.length > this.#limit()) this.#drop(Math.ceil(this.#entries.length / 10));
  }

  /** At most `limit` entries with a sequence above `after`. */
  entriesAfter(after: number, limit: number): readonly JournalEntry[] {
    const start = Math.max(0, after - this.#dropped);
    return this.#entries.slice(start, start + limit);
  }

  /** Forgets every entry; the sequence goes on. */
  clear(): void {
    this.#drop(this.#entries.length);
  }

  #drop(count: number): void {
    this.#entries = this.#entries.slice(count);
    this.#dropped += count;
  }
}
