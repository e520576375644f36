import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorMessage, StartError } from '../errors.ts';

/** Marks our files: "FnHo" in the header field that SQLite reserves for applications (sqlite.org/fileformat2.html, 1.3). */
const applicationId = 0x466e486f;
const schemaVersion = 1;

const schema = `
  CREATE TABLE instances (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, executionId TEXT NOT NULL, status TEXT NOT NULL,
    input TEXT, output TEXT, customStatus TEXT,
    parentId TEXT, parentExecutionId TEXT, parentName TEXT, parentTaskId INTEGER,
    createdAt INTEGER NOT NULL, updatedAt INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX instancesByCreation ON instances (createdAt, id);
  CREATE TABLE history (
    instanceId TEXT NOT NULL, seq INTEGER NOT NULL, events TEXT NOT NULL, PRIMARY KEY (instanceId, seq)
  ) WITHOUT ROWID;
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, instanceId TEXT NOT NULL, executionId TEXT, event TEXT NOT NULL
  );
  CREATE INDEX messagesByInstance ON messages (instanceId, id);
  CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, instanceId TEXT NOT NULL, executionId TEXT NOT NULL, taskId INTEGER NOT NULL,
    name TEXT NOT NULL, input TEXT
  );
  CREATE INDEX tasksByInstance ON tasks (instanceId);
  CREATE TABLE timers (
    instanceId TEXT NOT NULL, executionId TEXT NOT NULL, timerId INTEGER NOT NULL, fireAt INTEGER NOT NULL,
    PRIMARY KEY (instanceId, executionId, timerId)
  ) WITHOUT ROWID;
  CREATE INDEX timersByTime ON timers (fireAt);
  CREATE TABLE entities (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL, present INTEGER NOT NULL, state TEXT,
    lockOwner TEXT, updatedAt INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE schedules (
    name TEXT PRIMARY KEY, schedule TEXT NOT NULL, last TEXT, next TEXT NOT NULL, updated TEXT NOT NULL
  ) WITHOUT ROWID;
`;

/**
 * Opens, or creates, the database of a data directory (which exists), for this process alone.
 *
 * The lock is SQLite's own exclusive one: the operating system drops it when the process dies, however it dies. A file that is not
 * ours, newer than ours or damaged is left as it is. Throws StartError with what to do.
 */
export function openDatabase(dataDir: string): DatabaseSync {
  const path = join(dataDir, 'durable.sqlite');
  inspectHeader(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    // Asked under the lock, since a host that was killed while it made the file leaves an empty one behind, for SQLite to roll back. The
    // header must say whose file it is before the journal moves to a file of its own.
    if (isEmpty(database)) createSchema(database);
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; BEGIN IMMEDIATE; COMMIT',
    );
    requireSound(database);
  } catch (error) {
    database.close();
    throw startError(error, dataDir, path);
  }
  writeFileSync(pidPath(dataDir), String(process.pid));
  return database;
}

function createSchema(database: DatabaseSync): void {
  database.exec(
    `BEGIN EXCLUSIVE; PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; ${schema} COMMIT`,
  );
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare('SELECT name FROM sqlite_schema LIMIT 1').get() === undefined;
}

function requireSound(database: DatabaseSync): void {
  const row = database.prepare('PRAGMA quick_check(1)').get() as { quick_check?: string } | undefined;
  if (row?.quick_check !== 'ok') throw new Error(row?.quick_check ?? 'quick_check gave no answer');
}

const headerBytes = 100;

/** Reads who wrote the file without opening it as a database, which could already change it. */
function inspectHeader(path: string): void {
  const header = readHeader(path);
  if (header === undefined || header.length === 0) return;
  if (header.length < headerBytes || header.toString('latin1', 0, 15) !== 'SQLite format 3') {
    throw new StartError(
      `${path} is not a SQLite database. It is left untouched; move it away or choose another --data directory.`,
    );
  }
  if (header.readUInt32BE(68) !== applicationId) {
    throw new StartError(`${path} belongs to another program. It is left untouched; choose another --data directory.`);
  }
  const version = header.readUInt32BE(60);
  if (version !== schemaVersion) {
    throw new StartError(
      `${path} has schema version ${version}, this host knows ${schemaVersion}. It is left untouched; choose another --data directory.`,
    );
  }
}

function readHeader(path: string): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StartError(`${path} cannot be read: ${errorMessage(error)}`);
  }
  try {
    const buffer = Buffer.alloc(headerBytes);
    return buffer.subarray(0, readSync(file, buffer, 0, headerBytes, 0));
  } finally {
    closeSync(file);
  }
}

const sqliteBusy = 5;

function startError(error: unknown, dataDir: string, path: string): StartError {
  if (typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === sqliteBusy) {
    return new StartError(
      `Another functions-host${ownerOf(dataDir)} is using ${dataDir}. Stop it, or choose another --data directory.`,
    );
  }
  return new StartError(
    `${path} is damaged (${errorMessage(error)}). It is left untouched; move it away or choose another --data directory.`,
  );
}

function pidPath(dataDir: string): string {
  return join(dataDir, 'host.pid');
}

function ownerOf(dataDir: string): string {
  try {
    return ` (process ${readFileSync(pidPath(dataDir), 'utf8').trim()})`;
  } catch {
    return '';
  }
}
