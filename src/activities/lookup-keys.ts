import type { Client } from '../dataverse/client.ts';
import { UnknownTableError } from '../dataverse/errors.ts';
import { readTable } from '../dataverse/metadata.ts';
import type { TableMetadata } from '../dataverse/table.ts';
import { pointerSegment, type Fault } from '../plan/fault.ts';
import type { RunSpec } from '../plan/run-spec.ts';

/**
 * Checks that the keys by which lookups are bound exist and can be used. Tables that are not there, or that the lookup does not point to, are the
 * mapping's to name.
 */
export async function findLookupKeyFaults(client: Client, spec: RunSpec): Promise<readonly Fault[]> {
  const tables = new Map<string, Promise<TableMetadata | undefined>>();
  const faults = Object.entries(spec.mapping.columns ?? {}).map(async ([column, { lookup }]) => {
    if (lookup?.key === undefined) return [];
    const read = tables.get(lookup.table) ?? readKnown(client, lookup.table);
    tables.set(lookup.table, read);
    const table = await read;
    const detail = table === undefined ? undefined : keyProblem(table, lookup.key);
    return detail === undefined ? [] : [{ pointer: `/mapping/columns${pointerSegment(column)}/lookup/key`, detail }];
  });
  return (await Promise.all(faults)).flat();
}

async function readKnown(client: Client, table: string): Promise<TableMetadata | undefined> {
  try {
    return await readTable(client, table);
  } catch (error) {
    if (error instanceof UnknownTableError) return undefined;
    throw error;
  }
}

function keyProblem({ logicalName, keys }: TableMetadata, column: string): string | undefined {
  const key = keys.find(({ columns }) => columns.length === 1 && columns[0] === column);
  if (key === undefined) {
    const known = keys.map(({ columns }) => columns.join(' + ')).join(', ') || 'none';
    return `${column} alone is not an alternate key of ${logicalName}. Alternate keys: ${known}.`;
  }
  return key.active ? undefined : `The alternate key ${column} of ${logicalName} is not active yet.`;
}
