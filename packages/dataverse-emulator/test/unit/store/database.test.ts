import { describe, expect, it } from 'vitest';
import { parseSchema } from '../../../src/schema/parse-schema.ts';
import { buildTableModel } from '../../../src/schema/table-model.ts';
import type { Value } from '../../../src/schema/values.ts';
import { createRandom } from '../../../src/basics/random.ts';
import { Database, type Write } from '../../../src/store/database.ts';
import { Journal } from '../../../src/store/journal.ts';
import { hashTable } from '../../../src/store/table-hash.ts';
import { suiteSchema } from '../../support/schema.ts';

const info = { requestId: 'r', user: 'u', atMs: 0 };

function setUp() {
  const database = new Database(
    parseSchema(suiteSchema, [{ logicalName: 'account', entitySetName: 'accounts' }]).map(buildTableModel),
  );
  const store = database.table('suite_city')!;
  const valuesOf = (members: Record<string, Value>): Value[] =>
    store.model.columns.map(({ name }) => members[name] ?? null);
  return { database, store, valuesOf };
}

describe('Transaction', () => {
  it('takes back inserts, updates and deletes in reverse, key indexes included', () => {
    const { database, store, valuesOf } = setUp();
    const start = database.begin();
    const kept = start.insert(store, 'kept', valuesOf({ suite_code: 'K' }));
    const gone = start.insert(store, 'gone', valuesOf({ suite_code: 'G' }));
    start.commit(info);
    const before = hashTable(store);

    const transaction = database.begin();
    const moved = transaction.update(store, kept, valuesOf({ suite_code: 'M' }));
    transaction.delete(store, gone);
    transaction.insert(store, 'new', valuesOf({ suite_code: 'K' }));
    transaction.update(store, moved, valuesOf({ suite_code: 'G' }));
    transaction.rollback();

    expect(hashTable(store)).toBe(before);
    const key = store.model.keys[0]!;
    expect([store.findByKey(key, 'k')?.id, store.findByKey(key, 'g')?.id, store.findByKey(key, 'm')]).toEqual([
      'kept',
      'gone',
      undefined,
    ]);
  });

  it('is the same as nothing after any rolled-back sequence', () => {
    const random = createRandom(11);
    const { database, store, valuesOf } = setUp();
    const start = database.begin();
    for (let index = 0; index < 20; index += 1)
      start.insert(store, `id${index}`, valuesOf({ suite_code: `c${index}`, suite_number: index }));
    start.commit(info);
    const before = hashTable(store);
    for (let round = 0; round < 200; round += 1) {
      const transaction = database.begin();
      for (let step = 0; step < 10; step += 1) {
        const id = `id${Math.floor(random.next() * 30)}`;
        const row = store.get(id);
        const values = valuesOf({ suite_code: `c${Math.floor(random.next() * 40)}` });
        try {
          if (row === undefined) transaction.insert(store, id, values);
          else if (random.next() < 0.3) transaction.delete(store, row);
          else transaction.update(store, row, values);
        } catch {
          // A taken key: the step is skipped, what came before stays in the transaction.
        }
      }
      transaction.rollback();
      expect(hashTable(store)).toBe(before);
    }
  });

  it('publishes writes at commit only, with growing versions', () => {
    const { database, store, valuesOf } = setUp();
    const published: Write[] = [];
    database.onCommit((writes) => published.push(...writes));
    const transaction = database.begin();
    const row = transaction.insert(store, 'a', valuesOf({}));
    transaction.update(store, row, valuesOf({ suite_number: 1 }));
    expect(published).toEqual([]);
    transaction.commit(info);
    expect(published.map(({ operation }) => operation)).toEqual(['created', 'updated']);
    expect(published[1]!.version).toBeGreaterThan(published[0]!.version);
  });
});

describe('Journal', () => {
  it('keeps at most its limit and goes on counting', () => {
    const { database, store, valuesOf } = setUp();
    const journal = new Journal(() => 10);
    database.onCommit((writes, commit) => journal.record(writes, commit));
    for (let index = 0; index < 25; index += 1) {
      const transaction = database.begin();
      transaction.insert(store, `id${index}`, valuesOf({}));
      transaction.commit(info);
    }
    expect(journal.lastSequence).toBe(25);
    const entries = journal.entriesAfter(0, 100);
    expect(entries.length).toBeLessThanOrEqual(10);
    expect(entries[0]?.sequence).toBe(journal.dropped + 1);
    expect(journal.entriesAfter(24, 100).map(({ rowId }) => rowId)).toEqual(['id24']);
  });
});

describe('hashTable', () => {
  it('tells content, not order, ids only when asked, and never stamps', () => {
    const hashOf = (ids: string[], columns?: string[], createdon = 'x'): string => {
      const { database, store, valuesOf } = setUp();
      const transaction = database.begin();
      for (const [index, id] of ids.entries())
        transaction.insert(store, id, valuesOf({ suite_number: index % 2, createdon }));
      transaction.commit(info);
      return hashTable(store, columns);
    };
    expect(hashOf(['a', 'b'])).toBe(hashOf(['a', 'b'], undefined, 'y'));
    expect(hashOf(['a', 'b'])).not.toBe(hashOf(['a', 'c']));
    expect(hashOf(['a', 'b'], ['suite_number'])).toBe(hashOf(['x', 'y'], ['suite_number']));
  });
});
