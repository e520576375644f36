import { randomBytes } from 'node:crypto';
import type { Operation } from '../plan/outcome.ts';
import type { EncodedRow } from '../mapping/encoded-row.ts';
import { idMembers } from './bulk-messages.ts';
import type { WriteTarget } from './bulk-messages.ts';
import { keySegment } from './key-text.ts';
import type { Headers } from './headers.ts';

/** learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api */
export const maxBatchOperations = 1_000;

const crlf = '\r\n';

/** One request inside a batch; text is one-byte text. */
export interface BatchOperation {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Absolute path with query, encoded. */
  readonly path: string;
  readonly headers: Headers;
  /** A JSON object; absent for GET and DELETE. */
  readonly body?: string;
}

export interface BatchBody {
  readonly body: Buffer;
  readonly contentType: string;
}

/** One operation per row, repeatable whatever the row's operation is. */
export function writeOperation(
  target: WriteTarget,
  operation: Operation,
  row: EncodedRow,
  sent: { readonly apiRoot: string; readonly query: string; readonly headers: Headers },
): BatchOperation {
  const byKey = `${sent.apiRoot}${keySegment(target, row.key)}${sent.query}`;
  const members = row.members.text();
  const body = `{${members}}`;
  if (operation === 'delete') {
    const headers = row.etag === undefined ? sent.headers : { ...sent.headers, 'If-Match': row.etag };
    return { method: 'DELETE', path: byKey, headers };
  }
  if (operation === 'upsert') return { method: 'PATCH', path: byKey, headers: sent.headers, body };
  // Without this header a PATCH creates the row that is missing.
  if (operation === 'update') {
    return { method: 'PATCH', path: byKey, headers: { ...sent.headers, 'If-Match': '*' }, body };
  }
  if (row.key.kind === 'alternate') {
    return { method: 'PATCH', path: byKey, headers: { ...sent.headers, 'If-None-Match': '*' }, body };
  }
  const id = idMembers(target, row.key);
  return {
    method: 'POST',
    path: `${sent.apiRoot}${target.entitySetName}${sent.query}`,
    headers: sent.headers,
    body: members === '' ? `{${id}}` : `{${id},${members}}`,
  };
}

/** The service refuses a batch whose line breaks are not CRLF throughout, the one after the closing boundary included. */
export function buildBatchBody(operations: readonly BatchOperation[]): BatchBody {
  const parts = operations.map(writePart);
  const boundary = pickBoundary(parts);
  const body = parts.map((part) => `--${boundary}${crlf}${part}`).join('') + `--${boundary}--${crlf}`;
  return { body: Buffer.from(body, 'latin1'), contentType: `multipart/mixed; boundary="${boundary}"` };
}

/** What is written here as it came must not end its line: the rest would be read as headers, or as another operation. */
function assertLine(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new RangeError('A line of a batch may hold printable ASCII only.');
  return text;
}

function writePart({ method, path, headers, body }: BatchOperation): string {
  const inner = body === undefined ? headers : { 'Content-Type': 'application/json; type=entry', ...headers };
  const lines = [
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    '',
    assertLine(`${method} ${path} HTTP/1.1`),
    ...Object.entries(inner).map(([name, value]) => assertLine(`${name}: ${value}`)),
    '',
    body ?? '',
  ];
  return lines.join(crlf) + crlf;
}

function pickBoundary(parts: readonly string[]): string {
  for (;;) {
    const boundary = `batch_${randomBytes(16).toString('hex')}`;
    if (!parts.some((part) => part.includes(boundary))) return boundary;
  }
}
