import { describe, expect, it } from 'vitest';
import type { ColumnMetadata, ColumnType } from '../../../src/dataverse/table.ts';
import { column, encode, kinds, tableWith, town } from './fixtures.ts';

interface ColumnCase {
  readonly name: string;
  readonly type: ColumnType;
  readonly more?: Partial<ColumnMetadata>;
  /** Source text to JSON text. */
  readonly good: readonly (readonly [text: string, json: string])[];
  /** Source text to what the message says behind it. */
  readonly bad: readonly (readonly [text: string, code: string, problem: string])[];
}

const same = (...texts: string[]) => texts.map((text) => [text, text] as const);
const quoted = (...texts: string[]) => texts.map((text) => [text, `"${text}"`] as const);
const whole = 'is not a whole number';

const cases: readonly ColumnCase[] = [
  {
    name: 'Integer',
    type: 'Integer',
    good: same('0', '-1', '2147483647', '-2147483648'),
    bad: [
      ['12a', 'mapping.integer', whole],
      ['1.0', 'mapping.integer', whole],
      ['1e3', 'mapping.integer', whole],
      ['+5', 'mapping.integer', `${whole} (leave out the plus sign)`],
      ['007', 'mapping.integer', `${whole} (leave out the leading zeros)`],
      [' 7', 'mapping.integer', `${whole} (leave out the space around it)`],
      ['1,000', 'mapping.integer', `${whole} (write it without separators, with a point before the decimals)`],
      ['1\u00a0000', 'mapping.integer', whole],
      ['٣', 'mapping.integer', whole],
      ['2147483648', 'mapping.range', 'is not within -2147483648 to 2147483647'],
      ['9'.repeat(400), 'mapping.range', 'is not within -2147483648 to 2147483647'],
    ],
  },
  {
    name: 'Integer with bounds',
    type: 'Integer',
    more: { minValue: 0, maxValue: 10 },
    good: same('0', '10'),
    bad: [
      ['-1', 'mapping.range', 'is not within 0 to 10'],
      ['11', 'mapping.range', 'is not within 0 to 10'],
    ],
  },
  {
    name: 'BigInt',
    type: 'BigInt',
    // Bounds come as doubles, the upper one by rounding as 2^63.
    more: { minValue: -(2 ** 63), maxValue: 2 ** 63 },
    good: same('0', '9007199254740993', '9223372036854775807', '-9223372036854775808'),
    bad: [
      ['9223372036854775808', 'mapping.range', 'is not within -9223372036854775808 to 9223372036854775807'],
      ['1.5', 'mapping.integer', whole],
    ],
  },
  {
    name: 'Decimal',
    type: 'Decimal',
    more: { precision: 2, minValue: -100_000_000_000, maxValue: 100_000_000_000 },
    good: same('0', '-0.5', '12345678901.25', '1.50', '1.50000', '0.10'),
    bad: [
      ['1.255', 'mapping.precision', 'has 3 digits behind the point; the column keeps 2'],
      ['100000000001', 'mapping.range', 'is not within -100000000000 to 100000000000'],
      ['1e2', 'mapping.decimal', 'is not a decimal number'],
      ['.5', 'mapping.decimal', 'is not a decimal number (a digit stands on both sides of the point)'],
      ['5.', 'mapping.decimal', 'is not a decimal number (a digit stands on both sides of the point)'],
      [
        '1,5',
        'mapping.decimal',
        'is not a decimal number (write it without separators, with a point before the decimals)',
      ],
      [
        '1.234,50',
        'mapping.decimal',
        'is not a decimal number (write it without separators, with a point before the decimals)',
      ],
      ['€5', 'mapping.decimal', 'is not a decimal number'],
    ],
  },
  {
    name: 'Decimal of many digits',
    type: 'Decimal',
    more: { precision: 10 },
    good: same('12345678901.0123456789'),
    bad: [],
  },
  {
    name: 'Money',
    type: 'Money',
    more: { precision: 4 },
    good: same('922337203685477.5807'),
    bad: [['1.00001', 'mapping.precision', 'has 5 digits behind the point; the column keeps 4']],
  },
  {
    name: 'Double',
    type: 'Double',
    more: { precision: 5, minValue: -90, maxValue: 90 },
    good: same('52.37403', '-0', '1E1', '1.5e-4', '12000e-3', '0e-9'),
    bad: [
      ['52.374031', 'mapping.precision', 'has 6 digits behind the point; the column keeps 5'],
      ['1.5e-5', 'mapping.precision', 'has 6 digits behind the point; the column keeps 5'],
      ['1e999', 'mapping.range', 'is too large'],
      ['91', 'mapping.range', 'is not within -90 to 90'],
      ['NaN', 'mapping.double', 'is not a number'],
      ['0x10', 'mapping.double', 'is not a number'],
    ],
  },
  {
    name: 'Boolean',
    type: 'Boolean',
    good: [
      ...['true', 'TRUE', '1', 'yes', 'Yes'].map((text) => [text, 'true'] as const),
      ...['false', 'False', '0', 'NO'].map((text) => [text, 'false'] as const),
    ],
    bad: [
      ['y', 'mapping.boolean', 'is none of true, false, 1, 0, yes, no'],
      ['2', 'mapping.boolean', 'is none of true, false, 1, 0, yes, no'],
    ],
  },
  {
    name: 'Picklist',
    type: 'Picklist',
    more: { options: kinds },
    good: [...same('1', '5'), ['City', '1'], ['tOWN', '2'], ['STRAßE', '3']],
    bad: [
      ['9', 'mapping.choice', 'is not an option (options: 1 City, 2 Town, 3 Straße, 4 Other, 5 other)'],
      [
        'Village',
        'mapping.choice',
        'is not an option or its label (options: 1 City, 2 Town, 3 Straße, 4 Other, 5 other)',
      ],
      ['Other', 'mapping.choice', 'is the label of several options (4, 5); use the number'],
    ],
  },
  {
    name: 'Picklist with numbers as labels',
    type: 'Picklist',
    more: {
      options: [
        { value: 1, label: '2' },
        { value: 2, label: '1' },
        { value: 100, label: '2024' },
      ],
    },
    good: [...same('1', '2'), ['2024', '100']],
    bad: [],
  },
  {
    name: 'Status whose options are unknown',
    type: 'Status',
    good: same('1', '100000001'),
    bad: [['Active', 'mapping.choice', 'is not an option or its label']],
  },
  {
    name: 'MultiSelectPicklist',
    type: 'MultiSelectPicklist',
    more: { options: [...kinds, { value: 6, label: 'a, b' }] },
    good: [
      ['1', '"1"'],
      ['1,2', '"1,2"'],
      ['2; 1;2', '"2,1"'],
      ['City;Town', '"1,2"'],
    ],
    bad: [['1,9', 'mapping.choice', 'is not an option (options: 1 City, 2 Town, 3 Straße, 4 Other, 5 other, 6 a, b)']],
  },
  {
    name: 'DateTime, date only',
    type: 'DateTime',
    more: { dateTimeBehavior: 'DateOnly' },
    good: quoted('2024-05-31', '2024-02-29', '2000-02-29', '1753-01-01', '9999-12-31'),
    bad: [
      ['2023-02-29', 'mapping.date', 'is not a date of the calendar'],
      ['1900-02-29', 'mapping.date', 'is not a date of the calendar'],
      ['2024-13-01', 'mapping.date', 'is not a date of the calendar'],
      ['2024-04-31', 'mapping.date', 'is not a date of the calendar'],
      ['2024-00-10', 'mapping.date', 'is not a date of the calendar'],
      ['1752-12-31', 'mapping.date', 'is before 1753-01-01, the first date Dataverse keeps'],
      ['31.05.2024', 'mapping.date', 'is not a date such as 2024-05-31'],
      ['2024-05-31T00:00:00Z', 'mapping.date', 'is not a date such as 2024-05-31'],
      ['2024-5-1', 'mapping.date', 'is not a date such as 2024-05-31'],
    ],
  },
  {
    name: 'DateTime with a time',
    type: 'DateTime',
    more: { dateTimeBehavior: 'TimeZoneIndependent' },
    good: quoted(
      '2024-05-31T10:00:00Z',
      '2024-05-31T10:00Z',
      '2024-05-31T23:59:59.1234567+14:00',
      '1753-01-01T00:00:00Z',
      '1752-12-31T23:00:00-01:00',
    ),
    bad: [
      ['2024-05-31T10:00:00', 'mapping.date', 'has no offset: end it with Z or, for example, +02:00'],
      ['2024-05-31 10:00:00', 'mapping.date', 'has no offset: end it with Z or, for example, +02:00'],
      ['2024-05-31', 'mapping.date', 'has no time of the day; the column needs one, with Z or an offset'],
      ['2024-02-30T10:00:00Z', 'mapping.date', 'is not a date of the calendar'],
      ['2024-05-31T24:00:00Z', 'mapping.date', 'is not a time of the day'],
      ['2024-05-31T10:60:00Z', 'mapping.date', 'is not a time of the day'],
      ['2024-05-31T10:00:00+14:01', 'mapping.date', 'has an offset beyond 14 hours'],
      ['1753-01-01T00:30:00+01:00', 'mapping.date', 'is before 1753-01-01, the first date Dataverse keeps'],
      ['0001-01-01T00:00:00Z', 'mapping.date', 'is before 1753-01-01, the first date Dataverse keeps'],
      ['9999-12-31T23:30:00-01:00', 'mapping.date', 'is after 9999-12-31, the last date Dataverse keeps'],
      ['1717149600', 'mapping.date', 'is not a date and time such as 2024-05-31T10:00:00Z'],
    ],
  },
  {
    name: 'Uniqueidentifier',
    type: 'Uniqueidentifier',
    good: [
      ['A0B1C2D3-0000-4000-8000-00000000000F', '"a0b1c2d3-0000-4000-8000-00000000000f"'],
      ['{a0b1c2d3-0000-4000-8000-00000000000f}', '"a0b1c2d3-0000-4000-8000-00000000000f"'],
    ],
    bad: [
      ['a0b1c2d3000040008000000000000000', 'mapping.guid', 'is not a GUID'],
      ['{a0b1c2d3-0000-4000-8000-00000000000f', 'mapping.guid', 'is not a GUID'],
    ],
  },
  {
    name: 'String',
    type: 'String',
    more: { maxLength: 4 },
    good: [
      ['abcd', '"abcd"'],
      ['東京éé', '"東京éé"'],
      ['😀😀', '"😀😀"'],
      ['"\\\n\u0001', '"\\"\\\\\\n\\u0001"'],
      ['', '""'],
    ],
    bad: [
      ['abcde', 'mapping.length', 'has 5 characters; at most 4 fit'],
      ['😀😀😀', 'mapping.length', 'has 6 characters; at most 4 fit'],
    ],
  },
  { name: 'Memo', type: 'Memo', good: [['a\tb', '"a\\tb"']], bad: [] },
];

describe.each(cases)('a value of type $name', ({ type, more, good, bad }) => {
  const each = { sourceColumns: ['v'], table: tableWith(type, more) };

  it.each(good)('%j is written as %j', (text, json) => {
    expect(encode(each, [text])).toMatchObject({ members: Buffer.from(`"v":${json}`).toString('latin1') });
  });

  it.each(bad)('%j is rejected as %s', (text, code, problem) => {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    expect(encode(each, [text])).toEqual({
      class: 'mapping',
      code,
      message: `Column v: '${shown}' ${problem} (row 17)`,
    });
  });
});

describe('a multi-select value', () => {
  it('has at most 150 choices', () => {
    const each = { sourceColumns: ['v'], table: tableWith('MultiSelectPicklist') };
    const numbers = Array.from({ length: 151 }, (_, index) => index);
    expect(encode(each, [numbers.slice(1).join(';')])).toHaveProperty('members');
    expect(encode(each, [numbers.join(';')])).toMatchObject({ code: 'mapping.choice' });
  });

  it('is split at semicolons alone when there is one, for labels with commas', () => {
    const options = [
      { value: 1, label: 'a, b' },
      { value: 2, label: 'c' },
    ];
    const each = { sourceColumns: ['v'], table: tableWith('MultiSelectPicklist', { options }) };
    expect(encode(each, ['a, b; c'])).toMatchObject({ members: '"v":"1,2"' });
  });
});

describe('a lookup', () => {
  const id = 'A0B1C2D3-0000-4000-8000-00000000000F';
  const byId = { sourceColumns: ['fan_parentid'] };
  const byKey = {
    sourceColumns: ['p'],
    mapping: { columns: { fan_contactid: { from: 'p', lookup: { table: 'contact', key: 'code' } } } },
  };

  it('binds by primary id', () => {
    expect(encode(byId, [id])).toMatchObject({
      members: `"fan_ParentId@odata.bind":"/accounts(${id.toLowerCase()})"`,
    });
    expect(encode(byId, ['x'])).toMatchObject({ message: "Column fan_parentid: 'x' is not a GUID (row 17)" });
  });

  it('binds by alternate key, single quotes doubled and nothing percent-encoded', () => {
    const members = (literal: string) => ({
      members: `"fan_contactid_contact@odata.bind":"/contacts(code='${literal}')"`,
    });
    expect(encode(byKey, ['A-1'])).toMatchObject(members('A-1'));
    expect(encode(byKey, ["O'Hara"])).toMatchObject(members("O''Hara"));
    expect(encode(byKey, ['é "東'])).toMatchObject(members(Buffer.from('é \\"東').toString('latin1')));
    expect(encode(byKey, ['A#1'])).toMatchObject({
      code: 'mapping.keyCharacter',
      message: expect.stringContaining("'A#1' contains #,"),
    });
    expect(encode(byKey, ['a/b'])).toMatchObject({ code: 'mapping.keyCharacter' });
  });

  it('binds by a number or a choice of the other table as such, not as text', () => {
    const of = (type: ColumnType, more: Partial<ColumnMetadata> = {}) => ({
      ...byKey,
      lookupKeys: { code: column('code', type, more) },
    });
    const members = (literal: string) => ({
      members: `"fan_contactid_contact@odata.bind":"/contacts(code=${literal})"`,
    });
    expect(encode(of('Integer'), ['42'])).toMatchObject(members('42'));
    expect(encode(of('Integer'), ['x'])).toMatchObject({ code: 'mapping.integer' });
    expect(encode(of('Decimal', { precision: 2 }), ['1.50'])).toMatchObject(members('1.5'));
    expect(encode(of('Picklist', { options: [{ value: 7, label: 'Seven' }] }), ['seven'])).toMatchObject(members('7'));
    expect(encode(of('DateTime', { dateTimeBehavior: 'DateOnly' }), ['2024-05-31'])).toMatchObject(
      members('2024-05-31'),
    );
    const id = 'a0b1c2d3-0000-4000-8000-00000000000f';
    expect(encode(of('Lookup'), [id])).toMatchObject({
      members: `"fan_contactid_contact@odata.bind":"/contacts(_code_value=${id})"`,
    });
  });

  it('is cleared by its navigation property', () => {
    expect(encode(byId, [null])).toMatchObject({ members: '"fan_ParentId":null' });
    expect(encode({ ...byKey, mapping: { ...byKey.mapping, empty: 'omit' } }, [null])).toMatchObject({ members: '' });
  });
});

describe('an empty value', () => {
  const table = {
    ...town,
    columns: [column('fan_townid', 'Uniqueidentifier'), column('n', 'Integer'), column('t', 'Memo')],
  };
  const sourceColumns = ['n', 't'];

  it('clears its column or leaves it alone, as the spec says', () => {
    expect(encode({ sourceColumns, table }, [null, null])).toMatchObject({ members: '"n":null,"t":null' });
    expect(encode({ sourceColumns, table, mapping: { empty: 'omit' } }, [null, null])).toMatchObject({ members: '' });
    expect(encode({ sourceColumns, table, mapping: { empty: 'omit' } }, [null, 'x'])).toMatchObject({
      members: '"t":"x"',
    });
  });

  it('with quotation marks is a text in text columns and empty elsewhere', () => {
    expect(encode({ sourceColumns, table }, ['', ''])).toMatchObject({ members: '"n":null,"t":""' });
  });

  it('that a JSON record does not have leaves its column alone', () => {
    expect(encode({ sourceColumns, table }, [undefined, 'x'])).toMatchObject({ members: '"t":"x"' });
  });
});

describe('an object or array', () => {
  it('is rejected where it is mapped', () => {
    const each = { sourceColumns: ['v', 'w'], table: tableWith('Memo'), mapping: { unmapped: 'ignore' } } as const;
    const nested = { json: '{}' };
    expect(encode(each, ['x', nested])).toHaveProperty('members');
    expect(encode(each, [nested, 'x'])).toEqual({
      class: 'mapping',
      code: 'mapping.nested',
      message: 'Column v: an object or array is not a value (row 17)',
    });
  });
});
