import type { Client } from './client.ts';
import { MalformedAnswerError, RequestRejectedError, UnknownTableError } from './errors.ts';
import { readColumns, typedColumnQueries } from './metadata-columns.ts';
import { asObject, readJsonList, readJsonObject } from './read-json.ts';
import { factsOf, sendRead } from './read-request.ts';
import type { AlternateKey, BulkMessage, LookupTarget, TableMetadata } from './table.ts';

/**
 * Reads what the engine needs to know of a table. Throws `UnknownTableError` when the environment has none of this name, and what
 * `Client.send` throws.
 */
export async function readTable(client: Client, logicalName: string, signal?: AbortSignal): Promise<TableMetadata> {
  const get = reader(client, signal);
  const definition = await readDefinition(get, logicalName);
  const tableType = readTableType(definition['TableType']);
  const attributes = listOf(definition, 'Attributes');
  const typed = await inGroups(typedColumnQueries(attributes), async (query) => ({
    columns: readJsonList(await get(`${definitionPath(logicalName)}/Attributes/${query.path}`)),
  }));
  return {
    logicalName: textOf(definition, 'LogicalName'),
    entitySetName: textOf(definition, 'EntitySetName'),
    primaryIdColumn: textOf(definition, 'PrimaryIdAttribute'),
    tableType,
    columns: readColumns(
      attributes,
      typed.flatMap(({ columns }) => columns),
    ),
    keys: listOf(definition, 'Keys').map(readKey),
    lookups: await readLookups(get, listOf(definition, 'ManyToOneRelationships')),
    bulk: await readBulk(get, logicalName, tableType),
  };
}

type Get = (path: string) => Promise<string>;

function reader(client: Client, signal: AbortSignal | undefined): Get {
  return (path) =>
    sendRead(client, {
      path,
      signal,
      read(answer) {
        readJsonObject(answer.body);
        return answer.body;
      },
    });
}

const definitionQuery = [
  '$select=LogicalName,EntitySetName,PrimaryIdAttribute,TableType',
  '$expand=' +
    [
      'Attributes($select=LogicalName,AttributeType,AttributeTypeName,RequiredLevel,IsValidForCreate,IsValidForUpdate)',
      'Keys($select=LogicalName,KeyAttributes,EntityKeyIndexStatus)',
      'ManyToOneRelationships($select=ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName)',
    ].join(','),
].join('&');

function definitionPath(logicalName: string): string {
  return `EntityDefinitions(LogicalName=${literal(logicalName)})`;
}

async function readDefinition(get: Get, logicalName: string): Promise<Record<string, unknown>> {
  try {
    return readJsonObject(await get(`${definitionPath(logicalName)}?${definitionQuery}`));
  } catch (error) {
    if (!(error instanceof RequestRejectedError) || error.httpStatus !== 404) throw error;
    throw new UnknownTableError(`The environment has no table ${JSON.stringify(logicalName)}.`, factsOf(error));
  }
}

/** An OData text literal, quotes doubled, percent-encoded once. */
function literal(text: string): string {
  return `'${encodeURIComponent(text.replaceAll("'", "''"))}'`;
}

/** Metadata of one table takes a dozen small reads; more at once than the smallest recommended parallelism is not polite. */
const readsAtOnce = 4;

async function inGroups<T, R>(items: readonly T[], read: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += readsAtOnce) {
    results.push(...(await Promise.all(items.slice(from, from + readsAtOnce).map(read))));
  }
  return results;
}

function readTableType(value: unknown): TableMetadata['tableType'] {
  return value === 'Elastic' || value === 'Virtual' ? value : 'Standard';
}

function readKey(value: unknown): AlternateKey {
  const key = objectOf(value);
  const columns = listOf(key, 'KeyAttributes').filter((column) => typeof column === 'string');
  return { logicalName: textOf(key, 'LogicalName'), columns, active: key['EntityKeyIndexStatus'] === 'Active' };
}

/** An owner column refers to the table `owner`, which rows are not bound to: they are bound to users and teams. */
const boundInstead: Readonly<Record<string, readonly string[]>> = { owner: ['systemuser', 'team'] };
/** Keeps the filter well below the limit of a URL. */
const tablesPerQuery = 25;

async function readLookups(get: Get, relationships: readonly unknown[]): Promise<LookupTarget[]> {
  const lookups = relationships.map(objectOf).flatMap((relationship) => {
    const table = textOf(relationship, 'ReferencedEntity');
    const column = textOf(relationship, 'ReferencingAttribute');
    const navigationProperty = textOf(relationship, 'ReferencingEntityNavigationPropertyName');
    return (boundInstead[table] ?? [table]).map((target) => ({ column, navigationProperty, table: target }));
  });
  const sets = await readEntitySets(get, [...new Set(lookups.map(({ table }) => table))].sort());
  return lookups.flatMap((lookup) => {
    const entitySetName = sets.get(lookup.table);
    // Tables of the service's own, without a set, cannot be bound to.
    return entitySetName === undefined ? [] : [{ ...lookup, entitySetName }];
  });
}

async function readEntitySets(get: Get, tables: readonly string[]): Promise<Map<string, string>> {
  const groups: string[][] = [];
  for (let from = 0; from < tables.length; from += tablesPerQuery)
    groups.push(tables.slice(from, from + tablesPerQuery));
  const answers = await inGroups(groups, async (group) => {
    const filter = group
      .map((table) => `LogicalName eq ${literal(table)}`)
      .join(' or ')
      .replaceAll(' ', '%20');
    return readJsonList(await get(`EntityDefinitions?$select=LogicalName,EntitySetName&$filter=${filter}`));
  });
  const sets = new Map<string, string>();
  for (const definition of answers.flat().map(objectOf)) {
    const { EntitySetName } = definition;
    if (typeof EntitySetName === 'string' && EntitySetName !== '') {
      sets.set(textOf(definition, 'LogicalName'), EntitySetName);
    }
  }
  return sets;
}

async function readBulk(
  get: Get,
  logicalName: string,
  tableType: TableMetadata['tableType'],
): Promise<Record<BulkMessage, boolean>> {
  const elastic = tableType === 'Elastic';
  const [create, update] =
    tableType === 'Standard'
      ? await inGroups(['CreateMultiple', 'UpdateMultiple'] as const, (message) =>
          hasMessage(get, message, logicalName),
        )
      : [elastic, elastic];
  return {
    CreateMultiple: create === true,
    UpdateMultiple: update === true,
    // No filter row exists for it; it is there where the other two are.
    UpsertMultiple: create === true && update === true,
    // Standard tables do not have it.
    DeleteMultiple: elastic,
  };
}

/** learn.microsoft.com/power-apps/developer/data-platform/bulk-operations, "Message availability" */
async function hasMessage(get: Get, message: BulkMessage, logicalName: string): Promise<boolean> {
  const filter = 'sdkmessageid/name eq @message and primaryobjecttypecode eq @table'.replaceAll(' ', '%20');
  const names = `@message=${literal(message)}&@table=${literal(logicalName)}`;
  const found = await get(`sdkmessagefilters?$select=sdkmessagefilterid&$filter=${filter}&${names}`);
  return readJsonList(found).length > 0;
}

function objectOf(value: unknown): Record<string, unknown> {
  const object = asObject(value);
  if (object === undefined) throw new MalformedAnswerError('The metadata hold no object here.');
  return object;
}

function listOf(object: Record<string, unknown>, name: string): readonly unknown[] {
  const value = object[name];
  return Array.isArray(value) ? value : [];
}

function textOf(object: Record<string, unknown>, name: string): string {
  const value = object[name];
  if (typeof value !== 'string') throw new MalformedAnswerError(`The metadata hold no text ${name}.`);
  return value;
}
