import type { Key, TableModel } from '../schema/table-model.ts';
import type { Value } from '../schema/values.ts';

export interface Row {
  readonly id: string;
  /** One increasing number for the whole environment. */
  readonly version: number;
  /** By column ordinal. */
  readonly values: readonly Value[];
}

export interface Tombstone {
  readonly id: string;
  readonly version: number;
}

/** A row would break the uniqueness of an alternate key. */
export interface KeyConflict {
  readonly key: Key;
}

interface KeyIndex {
  readonly key: Key;
  readonly ids: Map<string, string>;
}

/** The rows of one table with its key indexes. Knows nothing of transactions. */
export class TableStore {
  readonly model: TableModel;
  readonly #rows = new Map<string, Row>();
  readonly #indexes: readonly KeyIndex[];
  #tombstones: Tombstone[] = [];
  #sortedIds: string[] | undefined;

  constructor(model: TableModel) {
    this.model = model;
    this.#indexes = model.keys
      .filter((key) => key.definition.status === 'Active')
      .map((key) => ({ key, ids: new Map<string, string>() }));
  }

  get count(): number {
    return this.#rows.size;
  }

  get tombstones(): readonly Tombstone[] {
    return this.#tombstones;
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  rows(): IterableIterator<Row> {
    return this.#rows.values();
  }

  /** Ids in a stable order; computed when needed and kept until rows come or go. */
  sortedIds(): readonly string[] {
    this.#sortedIds ??= [...this.#rows.keys()].sort();
    return this.#sortedIds;
  }

  /** `keyValue` is what `key.valueOf` gives; the key must be Active. */
  findByKey(key: Key, keyValue: string): Row | undefined {
    const id = this.#indexes.find((index) => index.key === key)?.ids.get(keyValue);
    return id === undefined ? undefined : this.#rows.get(id);
  }

  conflict(row: Row): KeyConflict | undefined {
    for (const { key, ids } of this.#indexes) {
      const value = key.valueOf(row.values);
      const owner = value === undefined ? undefined : ids.get(value);
      if (owner !== undefined && owner !== row.id) return { key };
    }
    return undefined;
  }

  put(row: Row, before: Row | undefined): void {
    this.#rows.set(row.id, row);
    if (before === undefined) this.#sortedIds = undefined;
    for (const { key, ids } of this.#indexes) {
      const value = key.valueOf(row.values);
      const oldValue = before === undefined ? undefined : key.valueOf(before.values);
      if (value === oldValue) continue;
      if (oldValue !== undefined && ids.get(oldValue) === row.id) ids.delete(oldValue);
      if (value !== undefined) ids.set(value, row.id);
    }
  }

  remove(row: Row): void {
    this.#rows.delete(row.id);
    this.#sortedIds = undefined;
    for (const { key, ids } of this.#indexes) {
      const value = key.valueOf(row.values);
      if (value !== undefined && ids.get(value) === row.id) ids.delete(value);
    }
  }

  addTombstone(tombstone: Tombstone): void {
    this.#tombstones.push(tombstone);
  }

  clear(): void {
    this.#rows.clear();
    this.#tombstones = [];
    this.#sortedIds = undefined;
    for (const { ids } of this.#indexes) ids.clear();
  }
}
