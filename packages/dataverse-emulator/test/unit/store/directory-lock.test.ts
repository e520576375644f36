import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryLock } from '../../../src/store/directory-lock.ts';

describe('DirectoryLock', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'dataverse-emulator-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const lockOf = (content: string): void => writeFileSync(join(directory, 'lock'), content);

  it('is held until it is released', () => {
    const lock = new DirectoryLock(directory);
    expect(() => new DirectoryLock(directory)).toThrow(`${directory} is in use by process ${process.pid}`);
    lock.release();
    new DirectoryLock(directory).release();
  });

  it('is held by another process that lives', () => {
    lockOf(`${process.ppid} 1`);
    expect(() => new DirectoryLock(directory)).toThrow(`is in use by process ${process.ppid}`);
    expect(readFileSync(join(directory, 'lock'), 'utf8')).toBe(`${process.ppid} 1`);
  });

  it('is taken over from a process that is gone, from one of this number before, and from nonsense', () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    for (const content of [`${pid} 1`, `${process.pid} 1`, '', 'nonsense']) {
      lockOf(content);
      new DirectoryLock(directory).release();
    }
  });
});
