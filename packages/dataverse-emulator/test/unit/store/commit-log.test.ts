import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSchema } from '../../../src/schema/parse-schema.ts';
import { buildTableModel } from '../../../src/schema/table-model.ts';
import type { Value } from '../../../src/schema/values.ts';
import { CommitLog } from '../../../src/store/commit-log.ts';
import { Database } from '../../../src/store/database.ts';
import { hashTable } from '../../../src/store/table-hash.ts';
import { suiteSchema } from '../../support/schema.ts';

const info = { requestId: 'r', user: 'u', atMs: 0 };
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dataverse-emulator-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** As after a kill: what had the directory before is gone without a word. */
function open(schema: unknown = suiteSchema) {
  rmSync(join(directory, 'lock'), { force: true });
  const database = new Database(
    parseSchema(schema, [{ logicalName: 'account', entitySetName: 'accounts' }]).map(buildTableModel),
  );
  const log = new CommitLog(directory, database);
  const store = database.table('suite_city')!;
  const put = (id: string, number: number): void => {
    const values: Value[] = store.model.columns.map(({ name }) => (name === 'suite_number' ? number : null));
    const transaction = database.begin();
    const before = store.get(id);
    if (before === undefined) transaction.insert(store, id, values);
    else transaction.update(store, before, values);
    transaction.commit(info);
  };
  const remove = (id: string): void => {
    const transaction = database.begin();
    transaction.delete(store, store.get(id)!);
    transaction.commit(info);
  };
  return { database, log, store, put, remove };
}

describe('CommitLog', () => {
  it('brings everything back without a clean end, versions and deletions included', () => {
    const first = open();
    first.put('a', 1);
    first.put('b', 2);
    first.put('a', 3);
    first.remove('b');
    const again = open();
    expect(hashTable(again.store)).toBe(hashTable(first.store));
    expect(again.store.get('a')?.version).toBe(first.store.get('a')?.version);
    expect(again.store.tombstones.map(({ key }) => key)).toEqual(['b']);
    expect(again.database.version).toBe(first.database.version);
  });

  it('keeps elastic rows of one id in different partitions apart', () => {
    const first = open();
    const readings = first.database.table('suite_reading')!;
    const valuesOf = (partition: string): Value[] =>
      readings.model.columns.map(({ name }) => (name === 'partitionid' ? partition : null));
    const transaction = first.database.begin();
    transaction.insert(readings, 'a', valuesOf('p1'));
    transaction.delete(readings, transaction.insert(readings, 'a', valuesOf('p2')));
    transaction.commit(info);
    const again = open().database.table('suite_reading')!;
    expect([again.get('a', 'p1')?.id, again.get('a', 'p2'), again.get('a')]).toEqual(['a', undefined, undefined]);
  });

  it('survives several restarts, each compacting the one before', () => {
    for (let round = 0; round < 4; round += 1) open().put(`row${round}`, round);
    expect(open().store.count).toBe(4);
    expect(readFileSync(join(directory, 'commits.jsonl'), 'utf8').trim().split('\n')).toHaveLength(1);
  });

  it('drops a torn last line as a commit that never happened', () => {
    const first = open();
    first.put('a', 1);
    first.log.close();
    appendFileSync(join(directory, 'commits.jsonl'), '[["suite_city","b",20');
    expect([...open().store.rows()].map(({ id }) => id)).toEqual(['a']);
  });

  it('refuses a file that is damaged in the middle', () => {
    open().log.close();
    writeFileSync(join(directory, 'commits.jsonl'), 'nonsense\n[]\n');
    expect(() => open()).toThrow(/damaged/);
    expect(existsSync(join(directory, 'lock'))).toBe(false);
  });

  it('reads rows by column name after the schema has changed', () => {
    open().put('a', 7);
    const [city, ...others] = suiteSchema.tables;
    const reordered = { ...city!, columns: [...city!.columns].reverse() };
    const { store } = open({ tables: [reordered, ...others] });
    const ordinal = store.model.columnsByName.get('suite_number')!.ordinal;
    expect(store.get('a')?.values[ordinal]).toBe(7);
  });
});
