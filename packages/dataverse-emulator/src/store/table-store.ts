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
  /** The deleted row's key in its store, which begins with its id. */
  readonly key: string;
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
  readonly #elastic: ElasticColumns | undefined;
  readonly #expiresAtMs = new Map<string, number>();
  #nextExpiryMs = Infinity;
  #tombstones: Tombstone[] = [];
  #sortedIds: readonly string[] | undefined;
  /** What came since the ids were sorted; what went is left out at the next merge. */
  #newIds: string[] = [];
  #hasLostIds = false;

  constructor(model: TableModel) {
    this.model = model;
    this.#indexes = model.keys
      .filter((key) => key.definition.status === 'Active')
      .map((key) => ({ key, ids: new Map<string, string>() }));
    this.#elastic = elasticColumns(model);
  }

  get count(): number {
    return this.#rows.size;
  }

  get tombstones(): readonly Tombstone[] {
    return this.#tombstones;
  }

  /** Elastic rows with a partition of their own are found only with it. */
  get(id: string, partition?: string): Row | undefined {
    return this.#rows.get(keyOf(id, partition));
  }

  getByKey(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  /** What the row is unique by: its id, and in elastic tables its partition. */
  keyOf({ id, values }: Pick<Row, 'id' | 'values'>): string {
    if (this.#elastic === undefined) return id;
    const partition = values[this.#elastic.partition];
    return keyOf(id, typeof partition === 'string' ? partition : undefined);
  }

  rows(): IterableIterator<Row> {
    return this.#rows.values();
  }

  /** Ids (on elastic tables keys, which begin with them) in a stable order; sorted when needed, and only what is new. */
  sortedIds(): readonly string[] {
    if (this.#sortedIds === undefined) this.#sortedIds = [...this.#rows.keys()].sort();
    else if (this.#newIds.length > 0 || this.#hasLostIds) this.#sortedIds = this.#mergedIds(this.#sortedIds);
    this.#newIds = [];
    this.#hasLostIds = false;
    return this.#sortedIds;
  }

  #mergedIds(old: readonly string[]): readonly string[] {
    const fresh = this.#newIds.sort();
    const merged: string[] = [];
    let next = 0;
    const add = this.#hasLostIds
      ? // A row that went is neither, and one that came back is both old and new.
        (id: string): void => {
          if (this.#rows.has(id) && merged.at(-1) !== id) merged.push(id);
        }
      : (id: string): void => {
          merged.push(id);
        };
    for (const id of old) {
      for (let first = fresh[next]; first !== undefined && first < id; first = fresh[next]) {
        add(first);
        next += 1;
      }
      add(id);
    }
    for (const id of fresh.slice(next)) add(id);
    return merged;
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
    const storeKey = this.keyOf(row);
    if (this.#sortedIds !== undefined && !this.#rows.has(storeKey)) this.#newIds.push(storeKey);
    this.#rows.set(storeKey, row);
    if (this.#elastic !== undefined) this.#noteExpiry(row, this.#elastic);
    for (const { key, ids } of this.#indexes) {
      const value = key.valueOf(row.values);
      const oldValue = before === undefined ? undefined : key.valueOf(before.values);
      if (value === oldValue) continue;
      if (oldValue !== undefined && ids.get(oldValue) === row.id) ids.delete(oldValue);
      if (value !== undefined) ids.set(value, row.id);
    }
  }

  remove(row: Row): void {
    const storeKey = this.keyOf(row);
    this.#rows.delete(storeKey);
    this.#expiresAtMs.delete(storeKey);
    this.#hasLostIds = true;
    for (const { key, ids } of this.#indexes) {
      const value = key.valueOf(row.values);
      if (value !== undefined && ids.get(value) === row.id) ids.delete(value);
    }
  }

  /** Takes out the rows whose time to live has passed. */
  expire(nowMs: number): void {
    // Requests are many and expiries few: the rows are looked through only when one of them is due.
    if (nowMs < this.#nextExpiryMs) return;
    this.#nextExpiryMs = Infinity;
    for (const [key, atMs] of this.#expiresAtMs) {
      const row = atMs <= nowMs ? this.#rows.get(key) : undefined;
      if (row !== undefined) this.remove(row);
      else this.#nextExpiryMs = Math.min(this.#nextExpiryMs, atMs);
    }
  }

  addTombstone(tombstone: Tombstone): void {
    this.#tombstones.push(tombstone);
  }

  clear(): void {
    this.#rows.clear();
    this.#tombstones = [];
    this.#sortedIds = undefined;
    this.#newIds = [];
    this.#expiresAtMs.clear();
    this.#nextExpiryMs = Infinity;
    for (const { ids } of this.#indexes) ids.clear();
  }

  /** The time to live runs from the last write: learn.microsoft.com/power-apps/developer/data-platform/elastic-tables */
  #noteExpiry(row: Row, { timeToLive, modifiedOn }: ElasticColumns): void {
    const seconds = row.values[timeToLive];
    const writtenAt = row.values[modifiedOn];
    const key = this.keyOf(row);
    if (typeof seconds === 'number' && typeof writtenAt === 'string') {
      const expiresAtMs = Date.parse(writtenAt) + seconds * 1000;
      this.#expiresAtMs.set(key, expiresAtMs);
      this.#nextExpiryMs = Math.min(this.#nextExpiryMs, expiresAtMs);
    } else this.#expiresAtMs.delete(key);
  }
}

interface ElasticColumns {
  readonly partition: number;
  readonly timeToLive: number;
  readonly modifiedOn: number;
}

function elasticColumns({ isElastic, columnsByName }: TableModel): ElasticColumns | undefined {
  const ordinalOf = (name: string): number => columnsByName.get(name)?.ordinal ?? -1;
  if (!isElastic) return undefined;
  return {
    partition: ordinalOf('partitionid'),
    timeToLive: ordinalOf('ttlinseconds'),
    modifiedOn: ordinalOf('modifiedon'),
  };
}

/** Rows without partition are in the one named by their id. */
function keyOf(id: string, partition: string | undefined): string {
  return partition === undefined || partition === id ? id : `${id} ${partition}`;
}
