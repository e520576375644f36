import { describe, expect, it } from 'vitest';
import type { TableMetadata } from '../../../src/dataverse/table.ts';
import { type Case, column, compile, planOf, town } from './fixtures.ts';

function faultsOf(each: Case): readonly (readonly [pointer: string, detail: string])[] {
  const compiled = compile(each);
  return 'faults' in compiled ? compiled.faults.map(({ pointer, detail }) => [pointer, detail]) : [];
}

const account = { table: 'account' };

describe('a mapping without columns', () => {
  it('sends each source column to the column of its name, whatever its case', () => {
    const plan = planOf({ sourceColumns: ['FAN_Name', 'fan_parentid'] });
    expect(plan.members).toMatchObject([
      { source: 0, column: { logicalName: 'fan_name' } },
      { source: 1, bind: { navigationProperty: 'fan_ParentId', entitySetName: 'accounts' } },
    ]);
  });

  it('refuses a source column without target and names near ones', () => {
    expect(faultsOf({ sourceColumns: ['name', 'fan_populaton', 'zzz'] })).toEqual([
      ['/mapping', 'Source column "name" has no target. Table fan_town has no column "name". Did you mean fan_name?'],
      [
        '/mapping',
        'Source column "fan_populaton" has no target. Table fan_town has no column "fan_populaton". Did you mean fan_population?',
      ],
      ['/mapping', 'Source column "zzz" has no target. Table fan_town has no column "zzz".'],
    ]);
  });

  it('passes over a source column without target when told to, and always in a delete', () => {
    expect(planOf({ sourceColumns: ['zzz', 'fan_name'], mapping: { unmapped: 'ignore' } }).members).toHaveLength(1);
    const plan = planOf({ sourceColumns: ['zzz', 'fan_townid', 'createdon'], target: { operation: 'delete' } });
    expect(plan).toMatchObject({ members: [], key: { kind: 'id', source: 1, column: 'fan_townid' } });
  });

  it('refuses two source columns for one target', () => {
    expect(faultsOf({ sourceColumns: ['fan_name', 'Fan_Name'] })).toEqual([
      ['/mapping', 'Source columns "fan_name" and "Fan_Name" both go to column fan_name.'],
    ]);
  });
});

describe('a mapping with columns', () => {
  it('takes from each source column what it names, even twice, and leaves the others when told to', () => {
    const columns = { fan_name: { from: 'Name' }, fan_code: { from: 'Name' } };
    const plan = planOf({ sourceColumns: ['x', 'Name'], mapping: { columns, unmapped: 'ignore' } });
    expect(plan.members.map(({ source, column: { logicalName } }) => [source, logicalName])).toEqual([
      [1, 'fan_name'],
      [1, 'fan_code'],
    ]);
  });

  it('refuses source columns that no entry uses, in one fault that names the way out, but not in a delete', () => {
    const columns = { fan_name: { from: 'Name' }, fan_townid: { from: 'Id' } };
    const sourceColumns = ['Id', 'Phone', 'Name', 'Fax'];
    expect(faultsOf({ sourceColumns, mapping: { columns } })).toEqual([
      [
        '/mapping/columns',
        'No entry uses source columns "Phone", "Fax". Map them, or set mapping.unmapped to "ignore".',
      ],
    ]);
    expect(faultsOf({ sourceColumns, mapping: { columns }, target: { operation: 'delete' } })).toEqual([]);
  });

  it.each<{ name: string; target?: Case['target']; columns: Case['mapping']; fault: [string, string] }>([
    {
      name: 'an unknown column, with a pointer that is escaped',
      columns: { columns: { 'a/b~c': { from: 'a' } } },
      fault: ['/mapping/columns/a~1b~0c', 'Table fan_town has no column "a/b~c".'],
    },
    {
      name: 'an unknown source column',
      columns: { columns: { fan_name: { from: 'bb' } } },
      fault: ['/mapping/columns/fan_name/from', 'The source has no column "bb". Did you mean b?'],
    },
    {
      name: 'a read-only column',
      columns: { columns: { createdon: { from: 'a' } } },
      fault: ['/mapping/columns/createdon', 'Column createdon is read-only.'],
    },
    {
      name: 'a column that a create cannot set',
      columns: { columns: { fan_approved: { from: 'a' } } },
      fault: ['/mapping/columns/fan_approved', 'Column fan_approved cannot be set by create: only by an update.'],
    },
    {
      name: 'a column that an upsert can set only when it creates',
      target: { operation: 'upsert', key: ['fan_code'] },
      columns: { columns: { overriddencreatedon: { from: 'a' }, fan_code: { from: 'b' } } },
      fault: [
        '/mapping/columns/overriddencreatedon',
        'Column overriddencreatedon cannot be set by upsert: only by a create.',
      ],
    },
    {
      name: 'a type that cannot be written',
      columns: { columns: { fan_logo: { from: 'a' } } },
      fault: ['/mapping/columns/fan_logo', 'Column fan_logo is of a type that cannot be written.'],
    },
    {
      name: 'a lookup with several targets and none named',
      columns: { columns: { fan_contactid: { from: 'a' } } },
      fault: [
        '/mapping/columns/fan_contactid',
        'Lookup fan_contactid points to several tables (account, contact): name one in lookup.table.',
      ],
    },
    {
      name: 'a lookup to a table it does not point to',
      columns: { columns: { fan_contactid: { from: 'a', lookup: { table: 'contacts' } } } },
      fault: [
        '/mapping/columns/fan_contactid/lookup/table',
        'Lookup fan_contactid does not point to contacts but to account, contact. Did you mean contact?',
      ],
    },
    {
      name: 'a lookup whose targets are unknown',
      columns: { columns: { ownerid: { from: 'a', lookup: { table: 'team' } } } },
      fault: ['/mapping/columns/ownerid', 'Lookup ownerid points to no table that can be bound.'],
    },
    {
      name: 'a lookup on a column that is none',
      columns: { columns: { fan_name: { from: 'a', lookup: account } } },
      fault: ['/mapping/columns/fan_name/lookup', 'Column fan_name is of type String, not a lookup.'],
    },
    {
      name: 'the primary id beside an alternate key',
      target: { operation: 'upsert', key: ['fan_code'] },
      columns: { columns: { fan_code: { from: 'a' }, fan_townid: { from: 'b' } } },
      fault: [
        '/mapping/columns/fan_townid',
        'Primary id column fan_townid cannot be written when rows are found by an alternate key.',
      ],
    },
    {
      name: 'an update of nothing',
      target: { operation: 'update', key: ['fan_code'] },
      columns: { columns: { fan_code: { from: 'a' } } },
      fault: ['/mapping', 'No column is left to update beside the key.'],
    },
  ])('refuses $name', ({ target, columns, fault }) => {
    expect(
      faultsOf({ sourceColumns: ['a', 'b'], ...(target && { target }), mapping: { unmapped: 'ignore', ...columns } }),
    ).toEqual([fault]);
  });

  it('lists all faults at once', () => {
    const columns = {
      fan_nam: { from: 'x' },
      createdon: { from: 'a' },
      fan_parentid: { from: 'a', lookup: { table: 'lead' } },
    };
    const pointers = faultsOf({
      sourceColumns: ['a'],
      target: { operation: 'update', key: ['fan_code', 'fan_yeer'] },
      mapping: { columns },
    }).map(([pointer]) => pointer);
    expect(pointers).toEqual([
      '/mapping/columns/fan_nam',
      '/mapping/columns/fan_nam/from',
      '/target/key/1',
      '/mapping/columns/createdon',
      '/mapping/columns/fan_parentid/lookup/table',
    ]);
  });
});

describe('required columns', () => {
  const strict: TableMetadata = {
    ...town,
    columns: [...town.columns, column('fan_must', 'String', { required: true })],
  };

  it('need a source in a create, but for those that the server fills', () => {
    expect(faultsOf({ sourceColumns: ['fan_name'], table: strict })).toEqual([
      ['/mapping', 'Required column fan_must has no source.'],
    ]);
    expect(faultsOf({ sourceColumns: ['fan_name', 'fan_must'], table: strict })).toEqual([]);
  });

  it('are there already in an update', () => {
    const target = { operation: 'update', key: ['fan_code'] } as const;
    expect(faultsOf({ sourceColumns: ['fan_code', 'fan_name'], table: strict, target })).toEqual([]);
  });
});

describe('the key', () => {
  const keys =
    'Alternate keys of fan_town: fan_codekey (fan_code; active); fan_codeyearkey (fan_code, fan_year; active); ' +
    'fan_namekey (fan_name; not active); fan_ratekey (fan_rate, fan_openedon; active); ' +
    'fan_pointkey (fan_parentid, fan_kind, fan_foundedon; active).';

  it.each<{ name: string; key?: readonly string[]; sourceColumns: readonly string[]; fault: [string, string] }>([
    {
      name: 'no key at all',
      sourceColumns: ['fan_name'],
      fault: ['/target/key', `To update rows, map the primary id column fan_townid or name an alternate key. ${keys}`],
    },
    {
      name: 'a primary id that is not mapped',
      key: ['fan_townid'],
      sourceColumns: ['fan_name'],
      fault: ['/target/key/0', 'Key column fan_townid is not mapped from the source.'],
    },
    {
      name: 'columns that are no key',
      key: ['fan_year'],
      sourceColumns: ['fan_year', 'fan_name'],
      fault: [
        '/target/key',
        `fan_year is neither the primary id column fan_townid nor an alternate key of fan_town. ${keys}`,
      ],
    },
    {
      name: 'a key that is not active',
      key: ['fan_name'],
      sourceColumns: ['fan_name', 'fan_year'],
      fault: ['/target/key', `Alternate key fan_namekey is not active: its index is not built (yet). ${keys}`],
    },
    {
      name: 'a column that does not exist',
      key: ['fan_code', 'fan_years'],
      sourceColumns: ['fan_code', 'fan_name'],
      fault: ['/target/key/1', 'Table fan_town has no column "fan_years". Did you mean fan_year?'],
    },
    {
      name: 'a key column that is not mapped',
      key: ['fan_year', 'fan_code'],
      sourceColumns: ['fan_code', 'fan_name'],
      fault: ['/target/key/0', 'Key column fan_year is not mapped from the source.'],
    },
    {
      name: 'a column named twice',
      key: ['fan_code', 'fan_code'],
      sourceColumns: ['fan_code', 'fan_name'],
      fault: [
        '/target/key',
        `fan_code, fan_code is neither the primary id column fan_townid nor an alternate key of fan_town. ${keys}`,
      ],
    },
  ])('is refused: $name', ({ key, sourceColumns, fault }) => {
    expect(faultsOf({ sourceColumns, target: { operation: 'update', ...(key && { key }) } })).toEqual([fault]);
  });

  it('of a table without alternate keys is told so', () => {
    const table = { ...town, keys: [] };
    expect(faultsOf({ sourceColumns: ['fan_name'], table, target: { operation: 'update' } })).toEqual([
      [
        '/target/key',
        'To update rows, map the primary id column fan_townid or name an alternate key. Table fan_town has no alternate keys.',
      ],
    ]);
  });

  it('cannot hold a lookup by another key', () => {
    const columns = {
      fan_parentid: { from: 'a', lookup: { table: 'account', key: 'code' } },
      fan_kind: { from: 'a' },
      fan_foundedon: { from: 'a' },
    };
    const target = { operation: 'upsert', key: ['fan_parentid', 'fan_kind', 'fan_foundedon'] } as const;
    expect(faultsOf({ sourceColumns: ['a'], target, mapping: { columns } })).toEqual([
      [
        '/mapping/columns/fan_parentid/lookup/key',
        'Column fan_parentid is part of the key, so its value must be a primary id.',
      ],
    ]);
  });

  it('needs a run id of some length to make ids from', () => {
    const { key } = planOf({ sourceColumns: ['fan_name'] });
    expect(key).toEqual({ kind: 'made', prefix: '01234567-89ab-8cde-bfed-' });
    expect(() => compile({ sourceColumns: ['fan_name'], runIdDigest: 'abc' })).toThrow('runIdDigest');
  });
});
