import { describe, expect, it } from 'vitest';
import { parseSchema, SchemaError } from '../../../src/schema/parse-schema.ts';
import { buildTableModel } from '../../../src/schema/table-model.ts';
import { suiteSchema } from '../../support/schema.ts';

const faultsOf = (json: unknown): readonly string[] => {
  try {
    parseSchema(json, [{ logicalName: 'account', entitySetName: 'accounts' }]);
    return [];
  } catch (error) {
    if (error instanceof SchemaError) return error.faults;
    throw error;
  }
};

describe('parseSchema', () => {
  it('reads a good file', () => {
    const [city, reading] = parseSchema(suiteSchema, [{ logicalName: 'account', entitySetName: 'accounts' }]);
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

  const table = (columns: readonly object[], more: object = {}) => ({
    logicalName: 'my_table', schemaName: 'my_Table', entitySetName: 'my_tables', primaryIdColumn: 'my_tableid', primaryNameColumn: 'my_name',
    columns: [{ logicalName: 'my_name', schemaName: 'my_Name', type: 'String' }, ...columns], ...more,
  }); // prettier-ignore
  const column = (type: string, members: object, logicalName = 'my_column') => ({
    logicalName,
    schemaName: 'my_Column',
    type,
    ...members,
  });
  const option = (value: number, state?: number) => ({
    value,
    label: `l${value}`,
    ...(state !== undefined && { state }),
  });

  it.each([
    ['a length of a number', [column('Integer', { maxLength: 5 })], '/tables/0/columns/1/maxLength: does not go with Integer'],
    ['options of text', [column('String', { options: [option(1)] })], '/tables/0/columns/1/options: does not go with String'],
    ['a length of no character', [column('String', { maxLength: 0 })], '/tables/0/columns/1/maxLength: must be a whole number from 1 to 4000'],
    ['too many digits', [column('Decimal', { precision: 11 })], '/tables/0/columns/1/precision: must be a whole number from 0 to 10'],
    ['an empty range', [column('Integer', { minValue: 5, maxValue: 4 })], '/tables/0/columns/1/minValue: must not be above maxValue (4)'],
    ['options that are no whole numbers', [column('Picklist', { options: [option(1.5)] })], '/tables/0/columns/1/options/0/value: must be a whole number'],
    ['options that repeat', [column('Picklist', { options: [option(1), option(1)] })], '/tables/0/columns/1/options/1/value: repeats 1'],
    ['the primary id among the columns', [column('String', {}, 'my_tableid')], '/tables/0/columns/1/logicalName: repeats my_tableid'],
    ['a relationship of two targets', [column('Lookup', { targets: ['account', 'my_table'], relationshipName: 'r' })], '/tables/0/columns/1/relationshipName: goes with one target only'],
    ['two lookups of one navigation property', [column('Lookup', { targets: ['account'], navigationProperty: 'n' }), column('Lookup', { targets: ['account'], navigationProperty: 'n' }, 'my_other')], '/tables/0/columns/2/navigationProperty: repeats n'],
    ['two relationships of one name', [column('Lookup', { targets: ['account'], relationshipName: 'r' }), column('Lookup', { targets: ['account'], relationshipName: 'r' }, 'my_other')], '/tables/0/columns/2/relationshipName: account has one of that name already'],
    ['a status of another name', [column('Status', { options: [option(1, 0), option(2, 1)] })], '/tables/0/columns/1/logicalName: must be statuscode, because it is a Status'],
    ['a status without state', [column('Status', { options: [option(1, 0), option(2, 1), option(3)] }, 'statuscode')], '/tables/0/columns/1/options/2/state: must be one of the states 0, 1'],
    ['a state without status', [column('State', { options: [option(0), option(5)] }, 'statecode'), column('Status', { options: [option(1, 0)] }, 'statuscode')], '/tables/0/columns: have no status for the state 5: a Status column must list one'],
  ])('refuses %s', (_, columns, fault) => {
    expect(faultsOf({ tables: [table(columns)] })).toEqual([fault]);
  }); // prettier-ignore

  it('refuses names of tables and keys that are there already, and key columns that repeat', () => {
    const keys = [
      { name: 'k', columns: ['my_name', 'my_name'] },
      { name: 'k', columns: ['my_name'] },
    ];
    expect(faultsOf({ tables: [table([], { entitySetName: 'accounts', keys })] })).toEqual([
      '/tables/0/keys/0/columns/1: repeats my_name',
      '/tables/0/keys/1/name: repeats k',
      '/tables/0/entitySetName: accounts is there already',
    ]);
    expect(faultsOf({ tables: [table([]), table([])] })).toEqual([
      '/tables/1/logicalName: my_table is there already',
      '/tables/1/entitySetName: my_tables is there already',
    ]);
  });

  it('takes states and status reasons of the table’s own', () => {
    const columns = [
      column('State', { options: [option(0), option(5)] }, 'statecode'),
      column('Status', { options: [option(1, 0), option(100, 5)] }, 'statuscode'),
    ];
    const [parsed] = parseSchema({ tables: [table(columns)] }, []);
    const model = buildTableModel(parsed!);
    expect(model.columns.filter(({ name }) => name === 'statecode')).toHaveLength(1);
    expect(model.columnsByName.get('statuscode')?.definition.options).toHaveLength(2);
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
