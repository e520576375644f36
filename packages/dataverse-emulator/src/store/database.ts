import { duplicateRecord, errorCodes, ODataError } from '../errors.ts';
import { collectionsOf, type Collection } from '../schema/collections.ts';
import type { TableModel } from '../schema/table-model.ts';
import type { Value } from '../schema/values.ts';
import { TableStore, type KeyConflict, type Row } from './table-store.ts';

export type WriteOperation = 'created' | 'updated' | 'deleted';

/** One row's change as it was committed. */
export interface Write {
  readonly operation: WriteOperation;
  readonly store: TableStore;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
  readonly id: string;
  readonly version: number;
  /** How the request named the row, when not by its primary key. */
  readonly key: string | null;
}

/** Who wrote, in which request. */
export interface CommitInfo {
  readonly requestId: string;
  readonly user: string;
  readonly atMs: number;
}

export type CommitListener = (writes: readonly Write[], info: CommitInfo) => void;

/** All tables and the environment-wide row version. Work is synchronous, so transactions never overlap. */
export class Database {
  readonly #tables: ReadonlyMap<string, TableStore>;
  readonly #bySet: ReadonlyMap<string, TableStore>;
  readonly #collections: ReadonlyMap<string, ReadonlyMap<string, Collection>>;
  readonly #listeners: CommitListener[] = [];
  #version = 1000;

  constructor(models: readonly TableModel[]) {
    const stores = models.map((model) => new TableStore(model));
    this.#tables = new Map(stores.map((store) => [store.model.logicalName, store]));
    this.#bySet = new Map(stores.map((store) => [store.model.entitySetName, store]));
    this.#collections = collectionsOf(models);
  }

  get version(): number {
    return this.#version;
  }

  tables(): IterableIterator<TableStore> {
    return this.#tables.values();
  }

  table(logicalName: string): TableStore | undefined {
    return this.#tables.get(logicalName);
  }

  tableBySet(entitySetName: string): TableStore | undefined {
    return this.#bySet.get(entitySetName);
  }

  /** Collection-valued navigation properties of a table, by name: the lookups of other tables seen from the other end. */
  collections(logicalName: string): ReadonlyMap<string, Collection> {
    return this.#collections.get(logicalName) ?? noCollections;
  }

  onCommit(listener: CommitListener): void {
    this.#listeners.push(listener);
  }

  begin(): Transaction {
    return new Transaction(
      () => (this.#version += 1),
      (writes, info) => this.#listeners.forEach((listener) => listener(writes, info)),
    );
  }

  /** Puts a stored row back as it was, past transactions and listeners: for loading. */
  restore(store: TableStore, row: Row): void {
    store.put(row, store.getByKey(store.keyOf(row)));
    this.#version = Math.max(this.#version, row.version);
  }

  restoreDeleted(store: TableStore, key: string, version: number): void {
    const row = store.getByKey(key);
    if (row !== undefined) store.remove(row);
    store.addTombstone({ key, version });
    this.#version = Math.max(this.#version, version);
  }
}

const noCollections: ReadonlyMap<string, Collection> = new Map();

function conflictError({ key }: KeyConflict): ODataError {
  const { name, columns } = key.definition;
  return new ODataError(
    412,
    errorCodes.duplicateEntityKey,
    `Entity Key ${name} violated. A record with the same value for ${columns.join(', ')} already exists. A duplicate record cannot be created. Select one or more unique values and try again.`,
  );
}

/** Changes that are all kept or all taken back. Reads inside see what was written. */
export class Transaction {
  readonly #writes: Write[] = [];
  readonly #nextVersion: () => number;
  readonly #publish: CommitListener;
  #afterCommit: (() => void)[] | undefined;

  constructor(nextVersion: () => number, publish: CommitListener) {
    this.#nextVersion = nextVersion;
    this.#publish = publish;
  }

  /** Throws 412 for a taken primary or alternate key. */
  insert(store: TableStore, id: string, values: readonly Value[], key: string | null = null): Row {
    if (store.getByKey(store.keyOf({ id, values })) !== undefined) throw duplicateRecord();
    return this.#put(store, id, values, undefined, key);
  }

  /** Throws 412 when the new values take another row's alternate key. */
  update(store: TableStore, before: Row, values: readonly Value[], key: string | null = null): Row {
    return this.#put(store, before.id, values, before, key);
  }

  delete(store: TableStore, row: Row, key: string | null = null): void {
    const version = this.#nextVersion();
    store.remove(row);
    this.#writes.push({ operation: 'deleted', store, before: row, after: undefined, id: row.id, version, key });
  }

  /** A place to come back to with `rollbackTo`. */
  mark(): number {
    return this.#writes.length;
  }

  rollbackTo(mark: number): void {
    for (const { store, before, after } of this.#writes.splice(mark).reverse()) {
      if (before !== undefined) store.put(before, after);
      else if (after !== undefined) store.remove(after);
    }
  }

  rollback(): void {
    this.rollbackTo(0);
  }

  /** Runs when everything has been committed, and never otherwise. */
  afterCommit(run: () => void): void {
    (this.#afterCommit ??= []).push(run);
  }

  commit(info: CommitInfo): void {
    if (this.#writes.length > 0) {
      for (const { store, before, after, version } of this.#writes) {
        if (before !== undefined && after === undefined) store.addTombstone({ key: store.keyOf(before), version });
      }
      this.#publish(this.#writes, info);
    }
    for (const run of this.#afterCommit ?? []) run();
  }

  #put(store: TableStore, id: string, values: readonly Value[], before: Row | undefined, key: string | null): Row {
    const version = this.#nextVersion();
    const row = { id, version, values };
    const conflict = store.conflict(row);
    if (conflict !== undefined) throw conflictError(conflict);
    store.put(row, before);
    const operation = before === undefined ? 'created' : 'updated';
    this.#writes.push({ operation, store, before, after: row, id, version, key });
    return row;
  }
}
