import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/database.ts';
import { Store } from '../../src/store/store.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'functions-host-db-'));
  path = join(directory, 'durable.sqlite');
});
afterEach(() => rmSync(directory, { recursive: true }));

const reopened = () => {
  const database = openDatabase(directory);
  database.close();
};

describe('a database file', () => {
  test('is created, closed and opened again', () => {
    reopened();
    reopened();
    expect(readFileSync(path).toString('latin1', 0, 15)).toBe('SQLite format 3');
  });

  test.each([
    [
      'text',
      () =>
        writeFileSync(
          path,
          'not a database, but long enough to hold the hundred bytes of a header, which it has to be to get this far',
        ),
      /not a SQLite database/u,
    ],
    ['of another program', () => foreign(0), /belongs to another program/u],
    ['of a newer host', () => newer(), /schema version 99/u],
    ['cut off', () => truncated(), /is damaged/u],
  ])('that is %s is refused and left untouched', (_, make, message) => {
    make();
    const before = readFileSync(path);
    expect(() => openDatabase(directory)).toThrow(message);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('left without tables by a host that was killed while it made them gets them', () => {
    const unfinished = new DatabaseSync(path);
    unfinished.exec('PRAGMA application_id = 0x466e486f; PRAGMA user_version = 1; CREATE TABLE a (b); DROP TABLE a');
    unfinished.close();
    const store = new Store(openDatabase(directory));
    expect(store.instance('none')).toBeUndefined();
    store.close();
  });

  test('in use is refused until it is closed', () => {
    const database = openDatabase(directory);
    expect(() => openDatabase(directory)).toThrow(`(process ${process.pid}) is using ${directory}`);
    database.close();
    reopened();
  });

  test('an aborted transaction leaves nothing', () => {
    const store = new Store(openDatabase(directory));
    const abort = () =>
      store.transaction(() => {
        store.addMessage({ instanceId: 'a', executionId: null, event: '{}' });
        throw new Error('stop');
      });
    expect(abort).toThrow('stop');
    expect(store.instancesWithMessages()).toEqual([]);
    store.close();
  });
});

function foreign(applicationId: number): void {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA application_id = ${applicationId}; CREATE TABLE theirs (x)`);
  database.close();
}

function newer(): void {
  reopened();
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = DELETE; PRAGMA user_version = 99');
  database.close();
}

function truncated(): void {
  reopened();
  writeFileSync(path, readFileSync(path).subarray(0, 8192));
}
