/* eslint-disable @typescript-eslint/no-unsafe-call -- bodies of answers have no static type; the assertions check them */
import { expect, it } from 'vitest';
import { contract } from '../../support/contract.ts';

contract('metadata', (api) => {
  it('describes a table with columns, keys and lookups', async () => {
    const select = '$select=LogicalName,EntitySetName,PrimaryIdAttribute,TableType';
    const expand =
      '$expand=Attributes($select=LogicalName,AttributeType,RequiredLevel),Keys($select=LogicalName,KeyAttributes,EntityKeyIndexStatus),ManyToOneRelationships($select=ReferencingAttribute,ReferencedEntity,ReferencedAttribute,ReferencingEntityNavigationPropertyName)';
    const { json } = await api.get(`EntityDefinitions(LogicalName='suite_city')?${select}&${expand}`);
    expect(json).toMatchObject({
      LogicalName: 'suite_city',
      EntitySetName: 'suite_cities',
      PrimaryIdAttribute: 'suite_cityid',
      TableType: 'Standard',
    });
    expect(json.MetadataId).toBeDefined();
    expect(json).not.toHaveProperty('SchemaName');
    const name = json.Attributes.find((column: { LogicalName: string }) => column.LogicalName === 'suite_name');
    expect(name).toMatchObject({
      '@odata.type': '#Microsoft.Dynamics.CRM.StringAttributeMetadata',
      AttributeType: 'String',
      RequiredLevel: { Value: 'ApplicationRequired' },
    });
    expect(name).not.toHaveProperty('MaxLength');
    expect(json.Keys).toContainEqual(
      expect.objectContaining({
        LogicalName: 'suite_codekey',
        KeyAttributes: ['suite_code'],
        EntityKeyIndexStatus: 'Active',
      }),
    );
    expect(json.ManyToOneRelationships).toContainEqual(
      expect.objectContaining({
        ReferencingAttribute: 'suite_parentid',
        ReferencedEntity: 'account',
        ReferencedAttribute: 'accountid',
        ReferencingEntityNavigationPropertyName: 'suite_ParentId',
      }),
    );
  });

  it('shows typed members through a cast, and option sets when expanded', async () => {
    const columns = "EntityDefinitions(LogicalName='suite_city')/Attributes";
    const text = await api.get(
      `${columns}/Microsoft.Dynamics.CRM.StringAttributeMetadata?$select=LogicalName,MaxLength`,
    );
    expect(text.json.value).toContainEqual(expect.objectContaining({ LogicalName: 'suite_name', MaxLength: 20 }));
    const choices = await api.get(
      `${columns}/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet,GlobalOptionSet`,
    );
    expect(choices.json.value[0].OptionSet.Options[1]).toMatchObject({
      Value: 2,
      Label: { UserLocalizedLabel: { Label: 'City' } },
    });
    const one = await api.get(
      `${columns}(LogicalName='suite_number')/Microsoft.Dynamics.CRM.IntegerAttributeMetadata?$select=MaxValue`,
    );
    expect(one.json.MaxValue).toBe(1000000);
    const whole = await api.get(`${columns}/Microsoft.Dynamics.CRM.BigIntAttributeMetadata?$select=MinValue,MaxValue`);
    expect(whole.text).toContain('"MinValue":-9223372036854775808,"MaxValue":9223372036854775807');
    const decimal = await api.get(
      `${columns}(LogicalName='suite_exact')/Microsoft.Dynamics.CRM.DecimalAttributeMetadata?$select=Precision,MaxValue`,
    );
    expect(decimal.json).toMatchObject({ Precision: 10, MaxValue: 100_000_000_000 });
  });

  it('finds a table by its set name, columns by type, and answers 404 for an unknown table', async () => {
    const bySet = await api.get("EntityDefinitions?$filter=EntitySetName eq 'suite_cities'&$select=LogicalName");
    expect(bySet.json.value.map((table: { LogicalName: string }) => table.LogicalName)).toEqual(['suite_city']);
    const byType = await api.get(
      "EntityDefinitions(LogicalName='suite_city')/Attributes?$select=LogicalName&$filter=AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'",
    );
    expect(byType.json.value.map((column: { LogicalName: string }) => column.LogicalName)).toEqual(['suite_kind']);
    expect((await api.get("EntityDefinitions(LogicalName='suite_nothing')")).status).toBe(404);
  });
});
