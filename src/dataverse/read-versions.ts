import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { WriteTarget } from './bulk-messages.ts';
import { apiRoot } from './api-root.ts';
import type { Client } from './client.ts';
import type { SendLog } from './send-log.ts';
import { hasHardKey, searchPath } from './hard-keys.ts';
import { keySegment } from './key-text.ts';
import { isMissing } from './pending-row.ts';
import type { TableCall } from './pending-row.ts';
import { readEach } from './read-each.ts';
import type { Reading } from './read-each.ts';
import { readJsonList, readJsonObject } from './read-json.ts';
import type { PartResult } from './send-operations.ts';

export interface VersionsRequest {
  readonly table: WriteTarget;
  readonly rows: readonly EncodedRow[];
  readonly deadlineAtMs: number;
  readonly log: SendLog;
  readonly signal?: AbortSignal | undefined;
}

/** How a row stands on the server now. Times are ISO text in whole seconds. */
export type RowVersion =
  | {
      readonly kind: 'found';
      readonly etag: string | undefined;
      readonly createdOn: string | undefined;
      readonly modifiedOn: string | undefined;
    }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Looks rows up by their keys; one version for each, in their order. Throws like `Client.send`. */
export async function readVersions(client: Client, request: VersionsRequest): Promise<readonly RowVersion[]> {
  const { table, rows, deadlineAtMs, log, signal } = request;
  const lesson = client.tables.of(table.logicalName);
  const call: TableCall = { client, options: noOptions, deadlineAtMs, signal, lesson, log };
  const versions = rows.map((): RowVersion => ({ kind: 'unreadable', reason: 'it was not read' }));
  const readings = rows.map((row, at) => ({
    ...readingOf(table, row),
    settle: (result: PartResult) => (versions[at] = versionOf(result)),
  }));
  await readEach(call, readings);
  return versions;
}

const select = 'createdon,modifiedon';

function readingOf(table: WriteTarget, row: EncodedRow): Pick<Reading, 'path' | 'check'> {
  if (hasHardKey(row.key)) return { path: searchPath(table, row, select), check: (body) => void readJsonList(body) };
  const path = `${apiRoot}${keySegment(table, row.key)}?$select=${select}`;
  return { path, check: (body) => void readJsonObject(body) };
}

const noOptions = { bypassBusinessLogic: [], suppressFlows: false, duplicateDetection: false } as const;
/** As the service writes them; it goes into a header as it came. */
const etagForm = /^(?:W\/)?"[\x21\x23-\x7e]{1,200}"$/;

function versionOf(result: PartResult): RowVersion {
  if (result.ok) return versionIn(readJsonObject(result.body));
  const { fault } = result;
  if (isMissing(fault)) return { kind: 'absent' };
  return { kind: 'unreadable', reason: fault.message };
}

/** The row itself, or the list of those that a search has found. */
function versionIn(body: Readonly<Record<string, unknown>>): RowVersion {
  const { value } = body;
  const found: readonly unknown[] = Array.isArray(value) ? value : [body];
  if (found.length === 0) return { kind: 'absent' };
  if (found.length > 1) return { kind: 'unreadable', reason: 'several rows match its key' };
  const row = new Map(Object.entries(found[0] ?? {}));
  const text = (name: string): string | undefined => {
    const member: unknown = row.get(name);
    return typeof member === 'string' ? member : undefined;
  };
  const etag = text('@odata.etag');
  return {
    kind: 'found',
    etag: etag !== undefined && etagForm.test(etag) ? etag : undefined,
    createdOn: text('createdon'),
    modifiedOn: text('modifiedon'),
  };
}
