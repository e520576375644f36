import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { ColumnMetadata, ColumnType, TableMetadata } from '../../src/dataverse/table.ts';
import type { RunSpec } from '../../src/plan/run-spec.ts';
import { parseRunSpec } from '../../src/plan/spec.ts';
import { createRandom, type Random } from '../../test/chaos/random.ts';

const column = (logicalName: string, type: ColumnType, more: Partial<ColumnMetadata> = {}): ColumnMetadata => ({
  logicalName,
  type,
  required: false,
  validForCreate: true,
  validForUpdate: true,
  ...more,
});

const industries = [
  'Accounting',
  'Agriculture',
  'Broadcasting',
  'Brokers',
  'Building',
  'Business Services',
  'Consulting',
];

/** A table of twenty written columns, as customer data has them. */
export const accounts: TableMetadata = {
  logicalName: 'fan_account',
  entitySetName: 'fan_accounts',
  primaryIdColumn: 'fan_accountid',
  tableType: 'Standard',
  columns: [
    column('fan_accountid', 'Uniqueidentifier'),
    column('fan_number', 'String', { maxLength: 20 }),
    column('fan_name', 'String', { maxLength: 160 }),
    column('fan_description', 'Memo', { maxLength: 2_000 }),
    column('fan_street', 'String', { maxLength: 250 }),
    column('fan_city', 'String', { maxLength: 80 }),
    column('fan_postalcode', 'String', { maxLength: 20 }),
    column('fan_country', 'String', { maxLength: 80 }),
    column('fan_phone', 'String', { maxLength: 50 }),
    column('fan_email', 'String', { maxLength: 100 }),
    column('fan_website', 'String', { maxLength: 200 }),
    column('fan_employees', 'Integer', { minValue: 0, maxValue: 1_000_000_000 }),
    column('fan_revenue', 'Decimal', { minValue: 0, maxValue: 100_000_000_000, precision: 2 }),
    column('fan_rating', 'Double', { minValue: 0, maxValue: 10, precision: 5 }),
    column('fan_creditonhold', 'Boolean'),
    column('fan_industry', 'Picklist', { options: industries.map((label, at) => ({ value: at + 1, label })) }),
    column('fan_foundedon', 'DateTime', { dateTimeBehavior: 'DateOnly' }),
    column('fan_lastcontacton', 'DateTime', { dateTimeBehavior: 'UserLocal' }),
    column('fan_parentid', 'Lookup'),
    column('fan_score', 'Integer', { minValue: -1_000, maxValue: 1_000 }),
    column('fan_note', 'String', { maxLength: 100 }),
  ],
  keys: [{ logicalName: 'fan_number_key', columns: ['fan_number'], active: true }],
  lookups: [
    {
      column: 'fan_parentid',
      navigationProperty: 'fan_ParentId',
      table: 'fan_account',
      entitySetName: 'fan_accounts',
    },
  ],
  bulk: { CreateMultiple: true, UpdateMultiple: true, UpsertMultiple: true, DeleteMultiple: false },
};

export const accountColumns = accounts.columns.slice(1).map(({ logicalName }) => logicalName);

export function accountSpec(format: 'csv' | 'jsonl'): RunSpec {
  const parsed = parseRunSpec({
    connection: 'main',
    source: { container: 'sources', blob: `accounts.${format}` },
    target: { table: accounts.logicalName, operation: 'upsert', key: ['fan_number'] },
  });
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults));
  return parsed.spec;
}

type Value = string | number | boolean | null;

/**
 * One account without its number. Of a hundred, about 60 have a quoted cell, 5 a line break and doubled quotes in one, 40 a character beyond
 * ASCII, 10 one beyond Latin-1.
 */
function makeAccount(random: Random): Value[] {
  const foreign = random.next();
  const city =
    foreign < 0.1
      ? '東京'
      : foreign < 0.4
        ? random.pick(['Zürich', 'København', 'Málaga'])
        : random.pick(['Oslo', 'Bern', 'Lyon']);
  const word = random.pick(['Nordic', 'Alpine', 'Global', 'United', 'Prime']);
  const name = `${word} ${random.pick(['Trading', 'Foods', 'Systems'])}${random.chance(0.5) ? ', Ltd.' : ' AG'}`;
  const memo = random.next();
  const description =
    memo < 0.05
      ? `Said "call again"\nin ${random.pick(['spring', 'autumn'])}; has ${random.between(2, 40)} sites.`
      : memo < 0.2
        ? `Buys tools, paint and wood since ${random.between(1980, 2020)}.`
        : 'Regular customer with quarterly orders.';
  const day = `20${random.between(10, 24)}-0${random.between(1, 9)}-${random.between(10, 28)}`;
  return [
    name,
    description,
    `${random.between(1, 250)} ${random.pick(['Main Street', 'Station Road', 'Harbour Lane'])}`,
    city,
    String(random.between(1_000, 99_999)),
    random.pick(['Norway', 'Switzerland', 'France', 'Japan']),
    `+41 44 ${random.between(100, 999)} ${random.between(10, 99)} ${random.between(10, 99)}`,
    `info${random.between(1, 99_999)}@example.com`,
    `https://www.example.com/${word.toLowerCase()}`,
    random.between(1, 50_000),
    random.between(1, 900_000_000) / 100,
    random.between(1, 9_999) / 1_000,
    random.chance(0.1),
    random.between(1, industries.length),
    day,
    `${day}T${random.between(10, 23)}:${random.between(10, 59)}:00Z`,
    random.chance(0.7) ? guidOf(random) : null,
    random.between(-1_000, 1_000),
    random.chance(0.2) ? 'Ask for Anna' : null,
  ];
}

const guidOf = (random: Random): string =>
  [8, 4, 4, 4, 12]
    .map((digits) => Array.from({ length: digits }, () => random.between(0, 15).toString(16)).join(''))
    .join('-');

const csvOf = (value: Value): string => {
  const text = value === null ? '' : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const jsonOf = (values: readonly Value[]): string =>
  values.map((value, at) => `${JSON.stringify(accountColumns[at + 1])}:${JSON.stringify(value)}`).join(',');

const distinctRows = 20_000;
const rowsPerWrite = 5_000;

/** Writes so many accounts as CSV or JSON lines. All but the number repeats itself after 20,000 rows, so that making a file is quick. */
export async function writeAccounts(path: string, format: 'csv' | 'jsonl', rowCount: number): Promise<void> {
  const random = createRandom(1);
  const rests = Array.from({ length: Math.min(rowCount, distinctRows) }, () => {
    const values = makeAccount(random);
    return format === 'csv' ? values.map(csvOf).join(',') : jsonOf(values);
  });
  const lineOf = (row: number): string => {
    const number = `A-${String(row).padStart(8, '0')}`;
    const rest = rests[row % rests.length] ?? '';
    return format === 'csv' ? `${number},${rest}\n` : `{"fan_number":"${number}",${rest}}\n`;
  };
  const file = createWriteStream(path);
  if (format === 'csv') file.write(`${accountColumns.join(',')}\n`);
  for (let from = 1; from <= rowCount; from += rowsPerWrite) {
    const length = Math.min(rowsPerWrite, rowCount + 1 - from);
    if (!file.write(Array.from({ length }, (_, at) => lineOf(from + at)).join(''))) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}
