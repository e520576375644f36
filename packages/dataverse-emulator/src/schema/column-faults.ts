import type { ColumnDefinition, ColumnType, TableDefinition } from './definitions.ts';
import { systemColumnNames } from './system-columns.ts';

/** A member of what is being read, and what is wrong with it. */
type Fault = readonly [member: string, reason: string];

const lookupMembers = ['targets', 'navigationProperty', 'relationshipName'];

/** What a column of a type may say beside its names, `required` and `readOnly`. */
const membersOf: Readonly<Record<ColumnType, readonly string[]>> = {
  String: ['maxLength'], Memo: ['maxLength'], Integer: ['minValue', 'maxValue'], BigInt: ['minValue', 'maxValue'],
  Decimal: ['minValue', 'maxValue', 'precision'], Double: ['minValue', 'maxValue', 'precision'], Money: ['minValue', 'maxValue', 'precision'],
  Boolean: [], Picklist: ['options'], State: ['options'], Status: ['options'], MultiSelectPicklist: ['options'], DateTime: ['behavior'],
  Lookup: lookupMembers, Customer: lookupMembers, Owner: lookupMembers, Uniqueidentifier: [], Image: [],
}; // prettier-ignore

const typedMembers = ['maxLength', 'minValue', 'maxValue', 'precision', 'options', 'behavior', ...lookupMembers];

/** learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/stringattributemetadata, memoattributemetadata */
const longest: Partial<Record<ColumnType, number>> = { String: 4000, Memo: 1_048_576 };
/** learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/decimalattributemetadata, doubleattributemetadata */
const mostDigits: Partial<Record<ColumnType, number>> = { Decimal: 10, Double: 5, Money: 4 };

/** What gives the members of a column in its file. */
interface Members {
  has(member: string): boolean;
  peek(member: string): unknown;
}

/** Members that do not go with the type of a column, and values that its type cannot have. */
export function* memberFaults(type: ColumnType, members: Members): Generator<Fault> {
  for (const member of typedMembers) {
    if (members.has(member) && !membersOf[type].includes(member)) yield [member, `does not go with ${type}`];
  }
  const most = longest[type] ?? Infinity;
  if (!isWhole(members.peek('maxLength'), 1, most)) yield ['maxLength', `must be a whole number from 1 to ${most}`];
  const digits = mostDigits[type] ?? Infinity;
  if (!isWhole(members.peek('precision'), 0, digits)) yield ['precision', `must be a whole number from 0 to ${digits}`];
  const [lowest, highest] = [members.peek('minValue'), members.peek('maxValue')];
  if (typeof lowest === 'number' && typeof highest === 'number' && lowest > highest)
    yield ['minValue', `must not be above maxValue (${highest})`];
  const targets = members.peek('targets');
  if (members.has('relationshipName') && Array.isArray(targets) && targets.length > 1)
    yield ['relationshipName', 'goes with one target only'];
}

/** Whether a value may stand there: members left out may, and those that are no numbers are refused elsewhere. */
function isWhole(value: unknown, lowest: number, highest: number): boolean {
  return typeof value !== 'number' || (Number.isInteger(value) && value >= lowest && value <= highest);
}

/** learn.microsoft.com/power-apps/maker/data-platform/create-edit-elastic-tables (features not supported) */
const notElastic: readonly ColumnType[] = ['Money', 'MultiSelectPicklist', 'State', 'Status', 'Image'];

/** Columns that do not go with their table or with one another. */
export function* columnFaults(table: TableDefinition): Generator<Fault> {
  const names = new Set([table.primaryIdColumn]);
  const properties = new Set<string>(table.columns.map(({ logicalName }) => logicalName));
  for (const [index, column] of table.columns.entries()) {
    const { logicalName, type } = column;
    const at = `columns/${index}`;
    if (names.has(logicalName)) yield [`${at}/logicalName`, `repeats ${logicalName}`];
    names.add(logicalName);
    if (systemColumnNames.has(logicalName) && !isOwnState(column)) yield [`${at}/logicalName`, 'is a system column'];
    if ((type === 'State' || type === 'Status') && !isOwnState(column))
      yield [`${at}/logicalName`, `must be ${type === 'State' ? 'statecode' : 'statuscode'}, because it is a ${type}`];
    if (table.tableType === 'Elastic' && notElastic.includes(type))
      yield [`${at}/type`, `${type} is not supported on elastic tables`];
    const navigation = column.navigationProperty;
    if (navigation !== undefined && navigation !== logicalName && properties.has(navigation))
      yield [`${at}/navigationProperty`, `repeats ${navigation}`];
    if (navigation !== undefined) properties.add(navigation);
  }
  yield* stateFaults(table);
}

/** A table may have states and status reasons of its own in the place of Active and Inactive. */
const isOwnState = ({ logicalName, type }: ColumnDefinition): boolean =>
  (logicalName === 'statecode' && type === 'State') || (logicalName === 'statuscode' && type === 'Status');

function* stateFaults({ columns }: TableDefinition): Generator<Fault> {
  const statusIndex = columns.findIndex(({ type }) => type === 'Status');
  const reasons = columns[statusIndex]?.options ?? [];
  const own = columns.find(({ type }) => type === 'State')?.options;
  if (own === undefined && statusIndex < 0) return;
  const states = own?.map(({ value }) => value) ?? [0, 1];
  for (const [index, { state }] of reasons.entries()) {
    if (state === undefined || !states.includes(state))
      yield [`columns/${statusIndex}/options/${index}/state`, `must be one of the states ${states.join(', ')}`];
  }
  const lonely = states.find((state) => !reasons.some((reason) => reason.state === state));
  if (lonely !== undefined) yield ['columns', `have no status for the state ${lonely}: a Status column must list one`];
}
