import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Keeps a folder for this process until it ends, in whatever way: the operating system lets go of the lock, which is the one
 * SQLite puts on a database file. Throws when another process has it.
 */
export async function lockFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const database = new DatabaseSync(join(dir, 'lock'));
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw new Error(`${dir} is in use by another npm start`, { cause: error });
  }
  locks.add(database);
}

/** A database nobody refers to would be closed by the garbage collector, and its lock with it. */
const locks = new Set<DatabaseSync>();
