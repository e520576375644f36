import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSchema } from '../../../src/schema/parse-schema.ts';
import { buildTableModel } from '../../../src/schema/table-model.ts';
import { TableStore } from '../../../src/store/table-store.ts';

const [definition] = parseSchema(
  {
    tables: [
      {
        logicalName: 'my_table', schemaName: 'my_Table', entitySetName: 'my_tables', primaryIdColumn: 'my_tableid', primaryNameColumn: 'my_name',
        columns: [{ logicalName: 'my_name', schemaName: 'my_Name', type: 'String' }],
      },
    ],
  },
  [],
); // prettier-ignore

/** Put, remove or clear, and whether somebody reads the ids after it. */
const step = fc.record({
  kind: fc.constantFrom('put', 'put', 'put', 'remove', 'clear'),
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  reads: fc.boolean(),
});

it('are what is there, in order, whatever came and went between two readings', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const store = new TableStore(buildTableModel(definition!));
      for (const [version, { kind, id, reads }] of steps.entries()) {
        const before = store.get(id);
        if (kind === 'clear') store.clear();
        else if (kind === 'put') store.put({ id, version, values: [] }, before);
        else if (before !== undefined) store.remove(before);
        if (!reads) continue;
        expect(store.sortedIds()).toEqual([...store.rows()].map((row) => row.id).sort());
      }
    }),
    { seed: 7, numRuns: 500 },
  );
});
