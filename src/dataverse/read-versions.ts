import type { EncodedRow } from '../mapping/encoded-row.ts';
import type { WriteTarget } from './bulk-messages.ts';
import { apiRoot, type Client, type SendLog } from './client.ts';
import { keySegment } from './key-text.ts';
import { buildBatchBody, maxBatchOperations, type BatchOperation } from './odata-batch.ts';
import { parseBatchAnswer, type BatchPart } from './odata-batch-answer.ts';
import { readFault } from './read-error.ts';

export interface VersionsRequest {
  readonly table: WriteTarget;
  readonly rows: readonly EncodedRow[];
  readonly deadlineAtMs: number;
  readonly log: SendLog;
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
  const versions: RowVersion[] = [];
  for (let from = 0; from < request.rows.length; from += maxBatchOperations) {
    const rows = request.rows.slice(from, from + maxBatchOperations);
    versions.push(...(await readParts(client, request, rows)).map(versionOf));
  }
  return versions;
}

async function readParts(
  client: Client,
  { table, deadlineAtMs, log }: VersionsRequest,
  rows: readonly EncodedRow[],
): Promise<readonly BatchPart[]> {
  const reads = rows.map((row): BatchOperation => {
    const path = `${apiRoot}${keySegment(table, row.key)}?$select=createdon,modifiedon`;
    return { method: 'GET', path, headers: {} };
  });
  const { body, contentType } = buildBatchBody(reads);
  const sent = await client.send({
    method: 'POST',
    path: '$batch',
    headers: { 'content-type': contentType, prefer: 'odata.continue-on-error' },
    body,
    repeatable: true,
    deadlineAtMs,
    log,
    read: (answer) => parseBatchAnswer({ contentType: answer.header('content-type'), body: answer.body }, rows.length),
  });
  return sent.value;
}

const noRowForAlternateKey = '0x80060891';

function versionOf(part: BatchPart): RowVersion {
  if (part.status < 300) {
    const row = JSON.parse(part.body) as Readonly<Record<string, unknown>>;
    const text = (name: string): string | undefined => (typeof row[name] === 'string' ? row[name] : undefined);
    return { kind: 'found', etag: text('@odata.etag'), createdOn: text('createdon'), modifiedOn: text('modifiedon') };
  }
  const fault = readFault({ httpStatus: part.status, body: part.body });
  if (fault.class === 'absent' || fault.code === noRowForAlternateKey) return { kind: 'absent' };
  return { kind: 'unreadable', reason: fault.message };
}
