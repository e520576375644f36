import type { Client } from '../dataverse/client.ts';
import { UnknownTableError } from '../dataverse/errors.ts';
import { readTable } from '../dataverse/metadata.ts';
import type { ColumnMetadata, TableMetadata } from '../dataverse/table.ts';
import { pointerSegment, type Fault } from '../plan/fault.ts';
import type { RunSpec } from '../plan/run-spec.ts';

export interface LookupKeys {
  /** By the column that is bound. */
  readonly lookupKeys: ReadonlyMap<string, ColumnMetadata>;
  readonly lookupFaults: readonly Fault[];
}

/**
 * Finds the keys by which lookups are bound, and what keeps them from being used. Tables that are not there, or that the lookup does not point to,
 * are the mapping's to name.
 */
export async function findLookupKeys(client: Client, spec: RunSpec, signal?: AbortSignal): Promise<LookupKeys> {
  const tables = new Map<string, TableMetadata | undefined>();
  const lookupKeys = new Map<string, ColumnMetadata>();
  const lookupFaults: Fault[] = [];
  for (const [column, { lookup }] of Object.entries(spec.mapping.columns ?? {})) {
    if (lookup?.key === undefined) continue;
    if (!tables.has(lookup.table)) tables.set(lookup.table, await readKnown(client, lookup.table, signal));
    const table = tables.get(lookup.table);
    if (table === undefined) continue;
    const found = findKey(table, lookup.key);
    if ('problem' in found)
      lookupFaults.push({
        pointer: `/mapping/columns${pointerSegment(column)}/lookup/key`,
        detail: found.problem,
      });
    else lookupKeys.set(column, found);
  }
  return { lookupKeys, lookupFaults };
}

async function readKnown(client: Client, table: string, signal?: AbortSignal): Promise<TableMetadata | undefined> {
  try {
    return await readTable(client, table, signal);
  } catch (error) {
    if (error instanceof UnknownTableError) return undefined;
    throw error;
  }
}

function findKey(table: TableMetadata, name: string): ColumnMetadata | { readonly problem: string } {
  const { logicalName, keys } = table;
  const key = keys.find(({ columns }) => columns.length === 1 && columns[0] === name);
  const column = table.columns.find((each) => each.logicalName === name);
  if (key === undefined || column === undefined) {
    const known = keys.map(({ columns }) => columns.join(' + ')).join(', ') || 'none';
    return { problem: `${name} alone is not an alternate key of ${logicalName}. Alternate keys: ${known}.` };
  }
  if (!key.active) return { problem: `The alternate key ${name} of ${logicalName} is not active yet.` };
  if (column.type === 'DateTime' && column.dateTimeBehavior !== 'DateOnly') {
    return { problem: `${name} of ${logicalName} is a date with a time: its colons cannot stand in a lookup.` };
  }
  return column;
}
