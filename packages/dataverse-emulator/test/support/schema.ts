/** Custom tables of the suites: one of each type, one without change tracking, keys in every state. */
export const suiteSchema = {
  tables: [
    {
      logicalName: 'suite_city',
      schemaName: 'suite_City',
      entitySetName: 'suite_cities',
      primaryIdColumn: 'suite_cityid',
      primaryNameColumn: 'suite_name',
      tableType: 'Standard',
      changeTracking: true,
      columns: [
        { logicalName: 'suite_name', schemaName: 'suite_Name', type: 'String', maxLength: 20, required: true },
        { logicalName: 'suite_code', schemaName: 'suite_Code', type: 'String', maxLength: 50 },
        { logicalName: 'suite_region', schemaName: 'suite_Region', type: 'String', maxLength: 50 },
        { logicalName: 'suite_number', schemaName: 'suite_Number', type: 'Integer', minValue: 0, maxValue: 1000000 },
        { logicalName: 'suite_latitude', schemaName: 'suite_Latitude', type: 'Double', precision: 5, minValue: -90, maxValue: 90 },
        { logicalName: 'suite_share', schemaName: 'suite_Share', type: 'Decimal', precision: 2, minValue: 0, maxValue: 100 },
        { logicalName: 'suite_active', schemaName: 'suite_Active', type: 'Boolean' },
        { logicalName: 'suite_kind', schemaName: 'suite_Kind', type: 'Picklist', options: [{ value: 1, label: 'Town' }, { value: 2, label: 'City' }] },
        { logicalName: 'suite_tags', schemaName: 'suite_Tags', type: 'MultiSelectPicklist', options: [{ value: 1, label: 'Old' }, { value: 9, label: 'New' }] },
        { logicalName: 'suite_foundedon', schemaName: 'suite_FoundedOn', type: 'DateTime', behavior: 'DateOnly' },
        { logicalName: 'suite_seenat', schemaName: 'suite_SeenAt', type: 'DateTime', behavior: 'UserLocal' },
        { logicalName: 'suite_parentid', schemaName: 'suite_ParentId', type: 'Lookup', targets: ['account'], navigationProperty: 'suite_ParentId' },
      ],
      keys: [
        { name: 'suite_codekey', columns: ['suite_code'], status: 'Active' },
        { name: 'suite_regionkey', columns: ['suite_region', 'suite_number'], status: 'Active' },
        { name: 'suite_parentkey', columns: ['suite_parentid', 'suite_kind'], status: 'Active' },
        { name: 'suite_pendingkey', columns: ['suite_number'], status: 'Pending' },
      ],
    },
    {
      logicalName: 'suite_reading',
      schemaName: 'suite_Reading',
      entitySetName: 'suite_readings',
      primaryIdColumn: 'suite_readingid',
      primaryNameColumn: 'suite_name',
      tableType: 'Elastic',
      changeTracking: false,
      columns: [
        { logicalName: 'suite_name', schemaName: 'suite_Name', type: 'String', maxLength: 20 },
        { logicalName: 'suite_value', schemaName: 'suite_Value', type: 'Integer' },
      ],
    },
  ],
}; // prettier-ignore
