import { describe, expect, it } from 'vitest';
import { parseSchema, SchemaError } from '../../../src/schema/parse-schema.ts';
import { suiteSchema } from '../../support/schema.ts';

const faultsOf = (json: unknown): readonly string[] => {
  try {
    parseSchema(json, ['account']);
    return [];
  } catch (error) {
    if (error instanceof SchemaError) return error.faults;
    throw error;
  }
};

describe('parseSchema', () => {
  it('reads a good file', () => {
    const [city, reading] = parseSchema(suiteSchema, ['account']);
    expect(city).toMatchObject({
      logicalName: 'suite_city',
      changeTracking: true,
      keys: [{ columns: ['suite_code'] }, {}, {}, { status: 'Pending' }],
    });
    expect(reading?.tableType).toBe('Elastic');
  });

  it('refuses column types that elastic tables do not have', () => {
    const reading = suiteSchema.tables[1];
    const columns = [...reading!.columns, { logicalName: 'suite_cost', schemaName: 'suite_Cost', type: 'Money' }];
    expect(faultsOf({ tables: [{ ...reading, columns }] })).toEqual([
      '/tables/0/columns/2/type: Money is not supported on elastic tables',
    ]);
  });

  it('names every fault of a bad file by its JSON pointer', () => {
    const table = {
      logicalName: 'My Table', schemaName: 'my_Table', entitySetName: 'my_tables', primaryIdColumn: 'my_tableid', primaryNameColumn: 'my_name', tableType: 'Virtual', colour: 1,
      columns: [
        { logicalName: 'my_title', schemaName: 'my_Title', type: 'Text' },
        { logicalName: 'my_title', schemaName: 'my_Title', type: 'String', maxLength: '9' },
        { logicalName: 'my_kind', schemaName: 'my_Kind', type: 'Picklist' },
        { logicalName: 'my_parent', schemaName: 'my_Parent', type: 'Lookup', targets: ['nothing'] },
        { logicalName: 'createdon', schemaName: 'CreatedOn', type: 'DateTime' },
      ],
      keys: [{ name: 'my_key', columns: ['my_absent', 'createdon', 'my_kind'], status: 'Ready' }, { name: 'k', columns: [] }],
    }; // prettier-ignore
    expect(faultsOf({ tables: [table] })).toEqual([
      '/tables/0/colour: is not known',
      '/tables/0/columns/0/type: must be one of String, Memo, Integer, BigInt, Decimal, Double, Money, Boolean, Picklist, State, Status, MultiSelectPicklist, DateTime, Lookup, Customer, Owner, Uniqueidentifier, Image',
      '/tables/0/columns/1/maxLength: must be a number',
      '/tables/0/columns/2/options: must not be empty',
      '/tables/0/logicalName: must be text like ^[a-z][a-z0-9_]*$',
      '/tables/0/tableType: must be one of Standard, Elastic',
      '/tables/0/keys/0/columns/0: names no column: my_absent',
      '/tables/0/keys/0/status: must be one of Pending, InProgress, Active, Failed',
      '/tables/0/keys/1/columns: must be 1 to 16',
      '/tables/0/primaryNameColumn: must be one of the columns',
      '/tables/0/columns/1/logicalName: repeats my_title',
      '/tables/0/columns/4/logicalName: is a system column',
      '/tables/0/columns/3/targets/0: names no table: nothing',
    ]);
  });

  it.each([
    [[], ['/tables: is missing']],
    [{ tables: 5 }, ['/tables: must be a list']],
    [{ tables: [1] }, undefined],
  ])('refuses %o', (json, expected) => {
    const faults = faultsOf(json);
    if (expected !== undefined) expect(faults).toContain(expected[0]);
    expect(faults.length).toBeGreaterThan(0);
  });
});
