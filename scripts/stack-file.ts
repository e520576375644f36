import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What other commands on this machine need to know of a stack that runs. */
export interface StackFile {
  /** Of the process that keeps the stack up. */
  readonly pid: number;
  readonly url: string;
  readonly storageConnectionString: string;
}

/** Folder of everything that `npm start` keeps. */
export const localDir = fileURLToPath(new URL('../.local', import.meta.url));

const fileIn = (dir: string) => join(dir, 'stack.json');

export async function writeStackFile(dir: string, stack: StackFile): Promise<void> {
  await writeFile(fileIn(dir), `${JSON.stringify(stack, undefined, 2)}\n`, { mode: 0o600 });
}

export async function removeStackFile(dir: string): Promise<void> {
  await rm(fileIn(dir), { force: true });
}

/** The stack that runs now; undefined when none does, also where a killed one left its file behind. */
export async function readStackFile(dir: string): Promise<StackFile | undefined> {
  try {
    const stack = JSON.parse(await readFile(fileIn(dir), 'utf8')) as StackFile;
    process.kill(stack.pid, 0);
    return stack;
  } catch {
    return undefined;
  }
}
