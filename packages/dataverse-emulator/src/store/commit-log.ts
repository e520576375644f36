import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { TableModel } from '../schema/table-model.ts';
import type { Value } from '../schema/values.ts';
import type { Database, Write } from './database.ts';
import { DirectoryLock } from './directory-lock.ts';
import { linesOf } from './lines.ts';
import type { TableStore } from './table-store.ts';

type StoredRow = readonly [table: string, id: string, version: number, values: readonly Value[]];
type StoredDeletion = readonly [table: string, key: string, version: number];
/** Column names per table: rows are lists of values, and a schema may have changed since they were written. */
type ColumnLists = Readonly<Record<string, readonly string[]>>;

const snapshotChunk = 1000;

/**
 * Tables on disk: a snapshot and a log with one line per commit, handed to the operating system before the commit is answered, so
 * that killing the process loses nothing (a power cut may). A torn last line is a commit that never happened.
 */
export class CommitLog {
  readonly #snapshotPath: string;
  readonly #logPath: string;
  readonly #database: Database;
  readonly #lock: DirectoryLock;
  readonly #file: number;

  /**
   * Loads what the directory holds into the database and compacts it. Throws when the files are not readable, and when another
   * process has the directory.
   */
  constructor(directory: string, database: Database) {
    mkdirSync(directory, { recursive: true });
    this.#lock = new DirectoryLock(directory);
    this.#snapshotPath = join(directory, 'snapshot.jsonl');
    this.#logPath = join(directory, 'commits.jsonl');
    this.#database = database;
    try {
      load(database, this.#snapshotPath);
      load(database, this.#logPath);
      this.#file = openSync(this.#logPath, 'a');
      this.compact();
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    database.onCommit((writes) => this.#append(writes));
  }

  /** Writes the present state as the snapshot and empties the log. */
  compact(): void {
    const temporary = `${this.#snapshotPath}.new`;
    const file = openSync(temporary, 'w');
    let lines: string[] = [JSON.stringify({ columns: columnLists(this.#database) })];
    const flush = (): void => {
      writeSync(file, `${lines.join('\n')}\n`);
      lines = [];
    };
    for (const store of this.#database.tables()) {
      for (const change of stored(store)) {
        lines.push(JSON.stringify([change]));
        if (lines.length >= snapshotChunk) flush();
      }
    }
    if (lines.length > 0) flush();
    fsyncSync(file);
    closeSync(file);
    // Loading the old log over the new snapshot is harmless, so a crash between these two steps is too.
    renameSync(temporary, this.#snapshotPath);
    ftruncateSync(this.#file, 0);
    writeSync(this.#file, `${JSON.stringify({ columns: columnLists(this.#database) })}\n`);
  }

  close(): void {
    closeSync(this.#file);
    this.#lock.release();
  }

  #append(writes: readonly Write[]): void {
    const changes = writes.map(({ store, id, version, before, after }): StoredRow | StoredDeletion =>
      after === undefined
        ? [store.model.logicalName, before === undefined ? id : store.keyOf(before), version]
        : [store.model.logicalName, id, version, after.values],
    );
    writeSync(this.#file, `${JSON.stringify(changes)}\n`);
  }
}

function columnLists(database: Database): ColumnLists {
  return Object.fromEntries(
    [...database.tables()].map(({ model }) => [model.logicalName, model.columns.map(({ name }) => name)]),
  );
}

function* stored(store: TableStore): Generator<StoredRow | StoredDeletion> {
  const { logicalName } = store.model;
  // A deleted row may have come back under the same id: deletions first.
  for (const { key, version } of store.tombstones) yield [logicalName, key, version];
  for (const { id, version, values } of store.rows()) yield [logicalName, id, version, values];
}

function load(database: Database, path: string): void {
  if (!existsSync(path)) return;
  let restore: ((change: StoredRow | StoredDeletion) => void) | undefined;
  for (const { line, isWhole } of linesOf(path)) {
    const json = parseLine(line, !isWhole, path);
    if (json === undefined) continue;
    if (!Array.isArray(json)) restore = restorer(database, (json as { columns: ColumnLists }).columns);
    else for (const change of json as (StoredRow | StoredDeletion)[]) restore?.(change);
  }
}

function parseLine(line: string, isLast: boolean, path: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (isLast) return undefined;
    throw new Error(`${path} is damaged`, { cause: error });
  }
}

function restorer(database: Database, columns: ColumnLists): (change: StoredRow | StoredDeletion) => void {
  const order = new Map<string, readonly number[]>();
  const orderOf = (model: TableModel): readonly number[] => {
    const known = order.get(model.logicalName);
    if (known !== undefined) return known;
    const names = columns[model.logicalName] ?? [];
    const places = model.columns.map(({ name }) => names.indexOf(name));
    order.set(model.logicalName, places);
    return places;
  };
  return ([table, id, version, values]) => {
    const store = database.table(table);
    if (store === undefined) return;
    if (values === undefined) database.restoreDeleted(store, id, version);
    else database.restore(store, { id, version, values: orderOf(store.model).map((place) => values[place] ?? null) });
  };
}
