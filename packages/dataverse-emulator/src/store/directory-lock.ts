import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Tells this process from an earlier one with the same number. */
const ownMark = `${process.pid} ${performance.timeOrigin}`;

/** Keeps a second process out of a directory: it would compact the files while the first one writes them. */
export class DirectoryLock {
  readonly #path: string;

  /** Throws when a process that lives has the directory. */
  constructor(directory: string) {
    this.#path = join(directory, 'lock');
    if (this.#take()) return;
    const found = readFileSync(this.#path, 'utf8');
    const owner = Number(found.split(' ')[0]);
    // A process that was killed leaves its lock behind, and this one may have got its number.
    const isOwn = owner === process.pid;
    if (isOwn ? found === ownMark : isAlive(owner))
      throw new Error(`${directory} is in use by process ${owner} (if that is another program, delete ${this.#path})`);
    rmSync(this.#path, { force: true });
    if (!this.#take()) throw new Error(`${directory} has just been taken by another process`);
  }

  release(): void {
    rmSync(this.#path, { force: true });
  }

  #take(): boolean {
    try {
      writeFileSync(this.#path, ownMark, { flag: 'wx' });
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
      throw error;
    }
  }
}

function isAlive(processId: number): boolean {
  if (!Number.isInteger(processId) || processId <= 0) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
