import type { ColumnDefinition, TableDefinition } from './definitions.ts';

/** The usual standard tables, reduced to the columns loaders touch most. */

const text = (logicalName: string, maxLength: number, required = false): ColumnDefinition => ({
  logicalName,
  schemaName: logicalName,
  type: 'String',
  maxLength,
  required,
});

const lookup = (
  logicalName: string,
  targets: readonly string[],
  navigationProperty = logicalName,
): ColumnDefinition => ({
  logicalName,
  schemaName: logicalName,
  type: targets.includes('account') && targets.includes('contact') ? 'Customer' : 'Lookup',
  targets,
  navigationProperty,
});

const money = (logicalName: string): ColumnDefinition => ({
  logicalName,
  schemaName: logicalName,
  type: 'Money',
  precision: 2,
  minValue: 0,
  maxValue: 100_000_000_000_000,
});

const boolean = (logicalName: string): ColumnDefinition => ({ logicalName, schemaName: logicalName, type: 'Boolean' });

const choice = (logicalName: string, ...labels: string[]): ColumnDefinition => ({
  logicalName,
  schemaName: logicalName,
  type: 'Picklist',
  options: labels.map((label, index) => ({ value: index + 1, label })),
});

const address: readonly ColumnDefinition[] = [
  text('address1_line1', 250),
  text('address1_line2', 250),
  text('address1_city', 80),
  text('address1_stateorprovince', 50),
  text('address1_postalcode', 20),
  text('address1_country', 80),
  { logicalName: 'address1_latitude', schemaName: 'Address1_Latitude', type: 'Double', precision: 5, minValue: -90, maxValue: 90 },
  { logicalName: 'address1_longitude', schemaName: 'Address1_Longitude', type: 'Double', precision: 5, minValue: -180, maxValue: 180 },
]; // prettier-ignore

const description: ColumnDefinition = {
  logicalName: 'description',
  schemaName: 'Description',
  type: 'Memo',
  maxLength: 2000,
};

function standard(
  table: Partial<TableDefinition> & Pick<TableDefinition, 'logicalName' | 'schemaName' | 'columns'>,
): TableDefinition {
  return {
    entitySetName: `${table.logicalName}s`,
    primaryIdColumn: `${table.logicalName}id`,
    primaryNameColumn: 'name',
    tableType: 'Standard',
    changeTracking: true,
    keys: [],
    ...table,
  };
}

export const builtInTables: readonly TableDefinition[] = [
  standard({
    logicalName: 'account',
    schemaName: 'Account',
    columns: [
      text('name', 160, true),
      text('accountnumber', 20),
      text('emailaddress1', 100),
      text('telephone1', 50),
      text('websiteurl', 200),
      ...address,
      description,
      {
        logicalName: 'numberofemployees',
        schemaName: 'NumberOfEmployees',
        type: 'Integer',
        minValue: 0,
        maxValue: 1_000_000_000,
      },
      money('revenue'),
      money('creditlimit'),
      boolean('creditonhold'),
      boolean('donotemail'),
      choice('industrycode', 'Accounting', 'Agriculture', 'Broadcasting', 'Brokers', 'Building Supply Retail'),
      lookup('primarycontactid', ['contact']),
      lookup('parentaccountid', ['account']),
      lookup('transactioncurrencyid', ['transactioncurrency']),
    ],
  }),
  standard({
    logicalName: 'contact',
    schemaName: 'Contact',
    primaryNameColumn: 'fullname',
    columns: [
      text('firstname', 50),
      text('lastname', 50, true),
      { ...text('fullname', 160), readOnly: true },
      text('emailaddress1', 100),
      text('telephone1', 50),
      text('mobilephone', 50),
      text('jobtitle', 100),
      ...address,
      description,
      { logicalName: 'birthdate', schemaName: 'BirthDate', type: 'DateTime', behavior: 'DateOnly' },
      choice('gendercode', 'Male', 'Female'),
      boolean('donotemail'),
      money('annualincome'),
      lookup('parentcustomerid', ['account', 'contact']),
      lookup('transactioncurrencyid', ['transactioncurrency']),
    ],
  }),
  standard({
    logicalName: 'systemuser',
    schemaName: 'SystemUser',
    primaryNameColumn: 'fullname',
    columns: [
      text('fullname', 200),
      text('domainname', 1024),
      text('internalemailaddress', 100),
      { logicalName: 'applicationid', schemaName: 'ApplicationId', type: 'Uniqueidentifier' },
      {
        logicalName: 'azureactivedirectoryobjectid',
        schemaName: 'AzureActiveDirectoryObjectId',
        type: 'Uniqueidentifier',
      },
      boolean('isdisabled'),
      lookup('businessunitid', ['businessunit']),
    ],
  }),
  standard({
    logicalName: 'team',
    schemaName: 'Team',
    columns: [text('name', 160, true), description, lookup('businessunitid', ['businessunit'])],
  }),
  standard({
    logicalName: 'businessunit',
    schemaName: 'BusinessUnit',
    columns: [text('name', 160, true), lookup('parentbusinessunitid', ['businessunit'])],
  }),
  standard({
    logicalName: 'asyncoperation',
    schemaName: 'AsyncOperation',
    changeTracking: false,
    columns: [
      text('name', 256),
      { logicalName: 'message', schemaName: 'Message', type: 'Memo', maxLength: 1_048_576 },
      { logicalName: 'operationtype', schemaName: 'OperationType', type: 'Integer' },
      { logicalName: 'completedon', schemaName: 'CompletedOn', type: 'DateTime', behavior: 'UserLocal' },
      {
        logicalName: 'statecode',
        schemaName: 'StateCode',
        type: 'State',
        options: ['Ready', 'Suspended', 'Locked', 'Completed'].map((label, value) => ({ value, label })),
      },
      {
        logicalName: 'statuscode',
        schemaName: 'StatusCode',
        type: 'Status',
        options: [
          { value: 0, label: 'Waiting For Resources', state: 0 },
          { value: 20, label: 'In Progress', state: 2 },
          { value: 30, label: 'Succeeded', state: 3 },
          { value: 31, label: 'Failed', state: 3 },
          { value: 32, label: 'Canceled', state: 3 },
        ],
      },
    ],
  }),
  standard({
    logicalName: 'transactioncurrency',
    schemaName: 'TransactionCurrency',
    entitySetName: 'transactioncurrencies',
    primaryNameColumn: 'currencyname',
    columns: [
      text('currencyname', 100, true),
      text('isocurrencycode', 5, true),
      text('currencysymbol', 13),
      {
        logicalName: 'exchangerate',
        schemaName: 'ExchangeRate',
        type: 'Decimal',
        precision: 10,
        minValue: 0.0000000001,
        maxValue: 100_000_000_000,
      },
    ],
  }),
];
