import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRowEncoder, isRejection } from '../../../src/mapping/row-encoder.ts';
import { listedCells } from '../../../src/source/cells.ts';
import { column, encode, membersOf, textRow, oneByte, planOf, tableWith, town } from './fixtures.ts';

const guid = 'A0B1C2D3-0000-4000-8000-00000000000F';
const id = { kind: 'id', id: guid.toLowerCase() };

describe('the key of a row', () => {
  it('is the primary id where it is mapped, and no member', () => {
    for (const operation of ['create', 'update', 'upsert'] as const) {
      const each = { sourceColumns: ['fan_townid', 'fan_name'], target: { operation } };
      expect(encode(each, [guid, 'A'])).toEqual({ row: 17, from: 100, to: 150, members: '"fan_name":"A"', key: id });
    }
  });

  it('of a create is made from run and record where none is mapped', () => {
    const encoder = createRowEncoder(planOf({ sourceColumns: ['fan_name'] }));
    const idOf = (row: number) => encoder({ row, from: 0, to: 1, cells: listedCells(['A']) });
    expect(idOf(1)).toMatchObject({ key: { kind: 'id', id: '01234567-89ab-8cde-bfed-000000000001' } });
    expect(idOf(2 ** 48 - 1)).toMatchObject({ key: { id: '01234567-89ab-8cde-bfed-ffffffffffff' } });
  });

  it('of a create is never an alternate key, whose columns stay members', () => {
    const each = {
      sourceColumns: ['fan_code', 'fan_name'],
      target: { operation: 'create', key: ['fan_code'] },
    } as const;
    expect(encode(each, ['C', 'A'])).toMatchObject({ members: '"fan_code":"C","fan_name":"A"', key: { kind: 'id' } });
  });

  it('by alternate key stands in the order of its definition, with text quotes doubled', () => {
    const each = {
      sourceColumns: ['fan_year', 'fan_name', 'fan_code'],
      target: { operation: 'upsert', key: ['fan_year', 'fan_code'] },
    } as const;
    expect(encode(each, ['5', 'A', "O'Härä"])).toMatchObject({
      members: '"fan_name":"A"',
      key: { kind: 'alternate', predicate: oneByte("fan_code='O''Härä',fan_year=5") },
    });
  });

  it('spells equal values alike', () => {
    const each = {
      sourceColumns: ['fan_rate', 'fan_openedon', 'fan_name'],
      target: { operation: 'update', key: ['fan_rate', 'fan_openedon'] },
    } as const;
    const spellings = [
      ['1.50', '2024-05-31T12:00:00+02:00'],
      ['1.5', '2024-05-31T10:00Z'],
      ['1.5000', '2024-05-31T10:00:00.000Z'],
    ] as const;
    for (const [rate, openedOn] of spellings) {
      expect(encode(each, [rate, openedOn, 'A'])).toMatchObject({
        key: { predicate: 'fan_rate=1.5,fan_openedon=2024-05-31T10:00:00Z' },
      });
    }
    expect(encode(each, ['-0.00', '2024-05-31T10:00Z', 'A'])).toMatchObject({
      key: { predicate: expect.stringContaining('fan_rate=0,') },
    });
    expect(encode(each, ['100', '2024-05-31T10:00Z', 'A'])).toMatchObject({
      key: { predicate: expect.stringContaining('fan_rate=100,') },
    });
  });

  it('takes lookups, choices and dates', () => {
    const key = ['fan_parentid', 'fan_kind', 'fan_foundedon'];
    const each = { sourceColumns: key, target: { operation: 'delete', key } } as const;
    expect(encode(each, [guid, 'City', '2024-05-31'])).toMatchObject({
      members: '',
      key: { predicate: `_fan_parentid_value=${guid.toLowerCase()},fan_kind=1,fan_foundedon=2024-05-31` },
    });
  });

  it.each(['/', '<', '>', '*', '%', '&', ':', '\\', '?', '+', '#'])(
    'may hold the character %s, for which the row is looked up later',
    (character) => {
      const each = { sourceColumns: ['fan_code'], target: { operation: 'delete', key: ['fan_code'] } } as const;
      expect(encode(each, [`a${character}b`])).toMatchObject({ key: { predicate: `fan_code='a${character}b'` } });
    },
  );

  it('is judged by its column like any value', () => {
    const each = { sourceColumns: ['fan_code'], target: { operation: 'delete', key: ['fan_code'] } } as const;
    expect(encode(each, ['x'.repeat(21)])).toMatchObject({ code: 'mapping.length' });
    const byId = { sourceColumns: ['fan_townid'], target: { operation: 'delete' } } as const;
    expect(encode(byId, ['x'])).toMatchObject({ code: 'mapping.guid' });
  });

  it.each([null, undefined, ''])('cannot be empty (%j)', (cell) => {
    const target = { operation: 'upsert', key: ['fan_code'] } as const;
    const expected = {
      class: 'mapping',
      code: 'mapping.keyEmpty',
      message: 'Column fan_code: is part of the key and empty (row 17)',
    };
    expect(encode({ sourceColumns: ['fan_code', 'fan_name'], target }, [cell, 'A'])).toEqual(expected);
    const byId = { sourceColumns: ['fan_townid', 'fan_name'] };
    expect(encode(byId, [cell, 'A'])).toMatchObject({ code: 'mapping.keyEmpty' });
  });
});

describe('a row that is none', () => {
  const encoder = createRowEncoder(planOf({ sourceColumns: ['fan_name', 'fan_population'] }));

  it('is rejected with class source when it could not be read', () => {
    const fault = { code: 'source.ragged', message: 'The record has 1 cells.', row: 3, byteOffset: 9 };
    const result = encoder({ row: 3, from: 9, to: 12, fault });
    expect(result).toEqual({
      class: 'source',
      code: 'source.ragged',
      message: 'The record has 1 cells. (row 3, byte 9)',
    });
    expect(isRejection(result)).toBe(true);
  });

  it('tells the first misfit alone, in readable and short text', () => {
    const value = 'ä'.repeat(70);
    expect(encoder({ row: 3, from: 0, to: 1, cells: listedCells([oneByte(value), 'x']) })).toEqual({
      class: 'mapping',
      code: 'mapping.length',
      message: `Column fan_name: '${'ä'.repeat(60)}…' has 70 characters; at most 10 fit (row 3)`,
    });
  });

  it('is one with members that nobody expects, unless they may be ignored', () => {
    const row = { row: 3, from: 0, to: 1, cells: listedCells(['A', '1']), extra: ['späť', 'b'] };
    expect(encoder(row)).toEqual({
      class: 'mapping',
      code: 'mapping.unmapped',
      message: 'The record has members without a target that the first record does not have: späť, b (row 3)',
    });
    const sourceColumns = ['fan_name', 'fan_population'];
    const columns = { fan_name: { from: 'fan_name' } };
    for (const mapping of [{ unmapped: 'ignore' }, { unmapped: 'ignore', columns }] as const) {
      expect(isRejection(createRowEncoder(planOf({ sourceColumns, mapping }))(row))).toBe(false);
    }
    const strict = planOf({ sourceColumns: ['fan_name'], mapping: { columns } });
    expect(createRowEncoder(strict)({ ...row, cells: listedCells(['A']) })).toMatchObject({ code: 'mapping.unmapped' });
  });

  it('is one with a value for a column of the table that the first record did not name: it would be lost', () => {
    const row = { row: 3, from: 0, to: 1, cells: listedCells(['A']), extra: ['späť', 'Fan_Population'] };
    const sourceColumns = ['fan_name'];
    expect(createRowEncoder(planOf({ sourceColumns, mapping: { unmapped: 'ignore' } }))(row)).toMatchObject({
      code: 'mapping.unmapped',
      message: expect.stringContaining('does not have: Fan_Population (row 3)'),
    });
    const columns = { fan_name: { from: 'fan_name' } };
    const asSpecified = createRowEncoder(planOf({ sourceColumns, mapping: { unmapped: 'ignore', columns } }));
    expect(isRejection(asSpecified(row))).toBe(false);
  });
});

describe('the members of any row', () => {
  it('parse back to the texts of the source', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('"', '\\', '\n', '\u0000', '\u001f', '\u007f', 'é', '東', '😀', '\u2028', 'a'),
      }),
    );
    const encoder = createRowEncoder(planOf({ sourceColumns: ['v'], table: tableWith('Memo') }));
    fc.assert(
      fc.property(text, (value) => {
        const result = encoder({ row: 1, from: 0, to: 1, cells: listedCells([oneByte(value)]) });
        expect(membersOf(textRow(result))).toEqual({ v: value });
      }),
      { numRuns: 2000 },
    );
  });

  it('parse back to the numbers of the source', () => {
    const encoder = createRowEncoder(planOf({ sourceColumns: ['v'], table: tableWith('Double') }));
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const result = encoder({ row: 1, from: 0, to: 1, cells: listedCells([JSON.stringify(value)]) });
        expect(membersOf(textRow(result))).toEqual({ v: JSON.parse(JSON.stringify(value)) });
      }),
    );
  });
});

describe('the key of a row of an elastic table', () => {
  const table = {
    ...town,
    tableType: 'Elastic',
    columns: [...town.columns, column('partitionid', 'String', { maxLength: 1_024 })],
  } as const;
  const id = '0b0c0d0e-0000-4000-8000-000000000001';
  const each = {
    table,
    sourceColumns: ['fan_townid', 'partitionid', 'fan_name'],
    target: { operation: 'upsert' },
  } as const;

  it('is its id within its partition, which is not written as a column', () => {
    expect(encode(each, [id, "d-1's", 'x'])).toMatchObject({
      key: { kind: 'id', id, partitionId: "d-1's" },
      members: '"fan_name":"x"',
    });
    const named = { ...each, target: { operation: 'upsert', key: ['partitionid', 'fan_townid'] } } as const;
    expect(encode(named, [id, 'd-1', 'x'])).toMatchObject({ key: { kind: 'id', id, partitionId: 'd-1' } });
  });

  it('has a made id in its partition when it is created', () => {
    const create = { ...each, sourceColumns: ['partitionid', 'fan_name'], target: { operation: 'create' } } as const;
    const requiredNothing = { ...create, table: { ...table, columns: table.columns.slice(1) } };
    expect(encode(requiredNothing, ['d-1', 'x'])).toMatchObject({ key: { made: true, partitionId: 'd-1' } });
  });

  it('leaves the partition to the id where the source has none', () => {
    expect(encode(each, [id, null, 'x'])).toMatchObject({ key: { kind: 'id', id } });
    expect(encode(each, [id, null, 'x'])).not.toHaveProperty('key.partitionId');
  });

  it('cannot hold what a partition cannot', () => {
    expect(encode(each, [id, 'a/b', 'x'])).toMatchObject({ code: 'mapping.keyCharacter' });
    expect(encode(each, [id, 'é'.repeat(513), 'x'])).toMatchObject({ code: 'mapping.length' });
  });
});
