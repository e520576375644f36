import { describe, expect, it } from 'vitest';
import { duplicateRecord, invalidRequest } from '../../../src/errors.ts';
import { runEach } from '../../../src/operations/bulk-targets.ts';
import { builtInTables } from '../../../src/schema/built-in-tables.ts';
import { buildTableModel } from '../../../src/schema/table-model.ts';
import { Database } from '../../../src/store/database.ts';

const info = { requestId: 'r', user: 'u', atMs: 0 };

describe('runEach', () => {
  it('keeps what succeeded, takes back what a failed item had written, and tells its place', () => {
    const database = new Database(builtInTables.map(buildTableModel));
    const store = database.table('account')!;
    const transaction = database.begin();
    const items = ['a', 'bad', 'b'].map((id) => ({ id }));
    const { ids, failure } = runEach(
      transaction,
      items,
      ({ id }) => {
        const row = transaction.insert(store, String(id), []);
        if (id === 'bad') throw duplicateRecord();
        return row;
      },
      ({ id }) => String(id),
    );
    transaction.commit(info);
    expect(ids).toEqual(['a', 'b']);
    expect(failure?.errors).toEqual([{ RequestIndex: 1, Id: 'bad', StatusCode: 409 }]);
    expect([...store.rows()].map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('ends with an item that fails before it reaches the data store', () => {
    const database = new Database(builtInTables.map(buildTableModel));
    const refuse = (): never => {
      throw invalidRequest('no');
    };
    expect(() => runEach(database.begin(), [{}], refuse, () => '')).toThrow('no');
  });
});
