import { describe, expect, it } from 'vitest';
import { ODataError } from '../../../src/errors.ts';
import { changesAfter, countChanges, formatPosition, readPosition, type Change } from '../../../src/rows/changes.ts';
import { builtInTables } from '../../../src/schema/built-in-tables.ts';
import { buildTableModel } from '../../../src/schema/table-model.ts';
import { Database } from '../../../src/store/database.ts';

const database = new Database(builtInTables.map(buildTableModel));
const store = database.table('account')!;
for (const [index, id] of ['a', 'b', 'c', 'd', 'e'].entries()) {
  store.put({ id, version: 10 + index, values: [] }, undefined);
}
// b changes last of all; c goes, comes back and goes again; d goes and comes back.
store.put({ id: 'b', version: 20, values: [] }, store.get('b'));
for (const [id, version] of [['c', 21], ['c', 23], ['d', 24]] as const) store.addTombstone({ key: id, version }); // prettier-ignore
store.remove(store.get('c')!);
store.put({ id: 'd', version: 25, values: [] }, store.get('d'));

const shown = (changes: readonly Change[]): string[] =>
  changes.map((change) => ('values' in change ? change.id : `-${change.key}`));

describe('changes', () => {
  it('are rows by version, then deletions, each row once', () => {
    expect(shown(changesAfter(store, 0, undefined, 100))).toEqual(['a', 'e', 'b', 'd', '-c']);
    expect(shown(changesAfter(store, 14, undefined, 100))).toEqual(['b', 'd', '-c']);
    expect(shown(changesAfter(store, 25, undefined, 100))).toEqual([]);
    expect([countChanges(store, 0), countChanges(store, 14), countChanges(store, 25)]).toEqual([5, 3, 0]);
  });

  it.each([1, 2, 3, 4, 5, 6])('are the same in pages of %i', (size) => {
    const seen: string[] = [];
    let page = changesAfter(store, 0, undefined, size);
    while (page.length > 0) {
      seen.push(...shown(page));
      page = changesAfter(store, 0, readPosition(formatPosition(page.at(-1)!)), size);
    }
    expect(seen).toEqual(['a', 'e', 'b', 'd', '-c']);
  });

  it.each(['', 'row', 'row x', 'other 5'])('do not go on behind %j', (text) => {
    expect(() => readPosition(text)).toThrow(ODataError);
  });
});
