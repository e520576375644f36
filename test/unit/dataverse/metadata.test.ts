import { describe, expect, it } from 'vitest';
import { readTable } from '../../../src/dataverse/metadata.ts';
import { harness, refuse, type Reply, type Script } from './support.ts';

const json = (value: unknown): Reply => ({ status: 200, body: JSON.stringify(value) });
const list = (...value: unknown[]) => json({ value });
const attribute = (LogicalName: string, AttributeType: string, more: object = {}) => ({
  LogicalName,
  AttributeType,
  AttributeTypeName: { Value: `${AttributeType}Type` },
  RequiredLevel: { Value: 'None' },
  IsValidForCreate: true,
  IsValidForUpdate: true,
  ...more,
});
const relationship = (column: string, table: string, navigationProperty: string) => ({
  ReferencingAttribute: column,
  ReferencedEntity: table,
  ReferencingEntityNavigationPropertyName: navigationProperty,
});

const definition = {
  LogicalName: 'fan_city',
  EntitySetName: 'fan_cities',
  PrimaryIdAttribute: 'fan_cityid',
  TableType: 'Standard',
  Attributes: [
    attribute('fan_cityid', 'Uniqueidentifier', {
      IsValidForUpdate: false,
      RequiredLevel: { Value: 'SystemRequired' },
    }),
    attribute('fan_name', 'String', { RequiredLevel: { Value: 'ApplicationRequired' } }),
    attribute('fan_latitude', 'Double'),
    attribute('fan_foundedon', 'DateTime'),
    attribute('fan_kind', 'Picklist'),
    attribute('fan_tags', 'Virtual', { AttributeTypeName: { Value: 'MultiSelectPicklistType' } }),
    attribute('fan_parentid', 'Lookup'),
    attribute('ownerid', 'Owner'),
    attribute('fan_kindname', 'Virtual', { IsValidForCreate: false, IsValidForUpdate: false }),
  ],
  Keys: [
    { LogicalName: 'fan_geonameid', KeyAttributes: ['fan_geonameid'], EntityKeyIndexStatus: 'Active' },
    { LogicalName: 'fan_pending', KeyAttributes: ['fan_a', 'fan_b'], EntityKeyIndexStatus: 'InProgress' },
  ],
  ManyToOneRelationships: [
    relationship('fan_parentid', 'account', 'fan_ParentId'),
    relationship('ownerid', 'owner', 'ownerid'),
    relationship('fan_odd', 'fan_noset', 'fan_Odd'),
  ],
};

const option = (Value: number, Label: string) => ({ Value, Label: { UserLocalizedLabel: { Label } } });
const answers: readonly (readonly [RegExp, Reply])[] = [
  [/StringAttributeMetadata/, list({ LogicalName: 'fan_name', MaxLength: 200 })],
  [/DoubleAttributeMetadata/, list({ LogicalName: 'fan_latitude', MinValue: -90, MaxValue: 90, Precision: 5 })],
  [/DateTimeAttributeMetadata/, list({ LogicalName: 'fan_foundedon', DateTimeBehavior: { Value: 'DateOnly' } })],
  [
    /\.PicklistAttributeMetadata/,
    list({
      LogicalName: 'fan_kind',
      OptionSet: { Options: [option(1, 'City'), { Value: 2, Label: { UserLocalizedLabel: null } }] },
    }),
  ],
  [
    /MultiSelectPicklistAttributeMetadata/,
    list({ LogicalName: 'fan_tags', OptionSet: null, GlobalOptionSet: { Options: [option(9, 'Old')] } }),
  ],
  [/EntityDefinitions\(LogicalName='fan_city'\)\?/, json(definition)],
  [
    /EntityDefinitions\?/,
    list(
      { LogicalName: 'account', EntitySetName: 'accounts' },
      { LogicalName: 'systemuser', EntitySetName: 'systemusers' },
      { LogicalName: 'team', EntitySetName: 'teams' },
      { LogicalName: 'fan_noset', EntitySetName: null },
    ),
  ],
  [/sdkmessagefilters/, list({ sdkmessagefilterid: '1' })],
];
const metadata =
  (...first: (readonly [RegExp, Reply])[]): Script =>
  ({ path }) =>
    [...first, ...answers].find(([pattern]) => pattern.test(path))?.[1] ?? new Error(`no answer for ${path}`);

describe('readTable', () => {
  it('brings columns with what their types tell, keys, lookups and bulk messages', async () => {
    const { client, seen } = harness(metadata());
    const table = await readTable(client, 'fan_city');
    expect(table).toEqual({
      logicalName: 'fan_city',
      entitySetName: 'fan_cities',
      primaryIdColumn: 'fan_cityid',
      tableType: 'Standard',
      columns: [
        column('fan_cityid', 'Uniqueidentifier', { required: true, validForUpdate: false }),
        column('fan_name', 'String', { maxLength: 200 }),
        column('fan_latitude', 'Double', { minValue: -90, maxValue: 90, precision: 5 }),
        column('fan_foundedon', 'DateTime', { dateTimeBehavior: 'DateOnly' }),
        column('fan_kind', 'Picklist', { options: [{ value: 1, label: 'City' }, { value: 2 }] }),
        column('fan_tags', 'MultiSelectPicklist', { options: [{ value: 9, label: 'Old' }] }),
        column('fan_parentid', 'Lookup'),
        column('ownerid', 'Owner'),
        column('fan_kindname', 'Other', { validForCreate: false, validForUpdate: false }),
      ],
      keys: [
        { logicalName: 'fan_geonameid', columns: ['fan_geonameid'], active: true },
        { logicalName: 'fan_pending', columns: ['fan_a', 'fan_b'], active: false },
      ],
      lookups: [
        { column: 'fan_parentid', navigationProperty: 'fan_ParentId', table: 'account', entitySetName: 'accounts' },
        { column: 'ownerid', navigationProperty: 'ownerid', table: 'systemuser', entitySetName: 'systemusers' },
        { column: 'ownerid', navigationProperty: 'ownerid', table: 'team', entitySetName: 'teams' },
      ],
      bulk: { CreateMultiple: true, UpdateMultiple: true, UpsertMultiple: true, DeleteMultiple: false },
    });
    expect(seen.some(({ path }) => path.includes('MemoAttributeMetadata'))).toBe(false);
  });

  it('offers UpsertMultiple only where both create and update are offered', async () => {
    const { client } = harness(metadata([/sdkmessagefilters.*'UpdateMultiple'/, list()]));
    expect((await readTable(client, 'fan_city')).bulk).toEqual({
      CreateMultiple: true,
      UpdateMultiple: false,
      UpsertMultiple: false,
      DeleteMultiple: false,
    });
  });

  it('asks nothing about the messages of an elastic table, which has all', async () => {
    const { client, seen } = harness(
      metadata([/EntityDefinitions\(LogicalName='fan_city'\)\?/, json({ ...definition, TableType: 'Elastic' })]),
    );
    expect(new Set(Object.values((await readTable(client, 'fan_city')).bulk))).toEqual(new Set([true]));
    expect(seen.some(({ path }) => path.includes('sdkmessagefilters'))).toBe(false);
  });

  it('says that a table is unknown', async () => {
    const { client, seen } = harness(() => refuse(404, '0x80060888', 'x', { 'x-ms-service-request-id': 'r' }));
    await expect(readTable(client, "no'table")).rejects.toMatchObject({
      kind: 'unknownTable',
      message: 'The environment has no table "no\'table".',
      serviceErrorCode: '0x80060888',
      serviceRequestId: 'r',
    });
    expect(seen[0]?.path).toContain("EntityDefinitions(LogicalName='no''table')?");
  });

  it('takes a refusal to read for the end of the run', async () => {
    const { client } = harness(metadata([/StringAttributeMetadata/, refuse(400, '0x80040203')]));
    await expect(readTable(client, 'fan_city')).rejects.toMatchObject({ kind: 'requestRejected', httpStatus: 400 });
  });
});

function column(logicalName: string, type: string, more: object = {}) {
  return { logicalName, type, required: false, validForCreate: true, validForUpdate: true, ...more };
}
