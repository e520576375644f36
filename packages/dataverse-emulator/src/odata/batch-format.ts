import { errorCodes, ODataError } from '../errors.ts';
import type { ApiResponse } from '../operations/operation.ts';

/** One operation inside a batch. Header names are in lower case. */
export interface BatchOperation {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly contentId: string | undefined;
}

export type BatchPart =
  | { readonly kind: 'operation'; readonly operation: BatchOperation }
  | { readonly kind: 'changeSet'; readonly operations: readonly BatchOperation[] };

function unreadable(): ODataError {
  return new ODataError(
    400,
    errorCodes.payload,
    "Error identified in Payload provided by the user for Entity :'', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : System.ArgumentException: Stream was not readable.",
  );
}

const invalid = (message: string): ODataError => new ODataError(400, errorCodes.payload, message);

export function boundaryOf(contentType: string | undefined): string {
  const match = /^multipart\/mixed\s*;.*?boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType ?? '');
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw invalid('The content type of a batch must be multipart/mixed with a boundary.');
  return boundary;
}

/**
 * Reads the body of a batch: strict CRLF line ends, also after the closing boundary.
 * learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
 */
export function parseBatch(body: string, contentType: string | undefined): readonly BatchPart[] {
  return splitParts(body, boundaryOf(contentType)).map((part) => parsePart(part));
}

/**
 * What stands between the delimiter lines. A delimiter is a whole line, so that one boundary may begin with another; blanks may
 * follow it (RFC 2046, 5.1.1).
 */
function splitParts(body: string, boundary: string): readonly string[] {
  const parts: string[] = [];
  let start: number | undefined;
  for (const { isClosing, begin, end } of delimiters(body, boundary)) {
    // The line break before a delimiter belongs to it, and an empty part has none of its own.
    if (start !== undefined) parts.push(body.slice(start, Math.max(start, begin - 2)));
    start = end;
    if (isClosing) return parts;
  }
  throw unreadable();
}

function* delimiters(
  body: string,
  boundary: string,
): Generator<{ readonly isClosing: boolean; readonly begin: number; readonly end: number }> {
  const delimiter = `--${boundary}`;
  for (let begin = 0; ;) {
    begin = body.startsWith(delimiter, begin) ? begin : nextLine(body, delimiter, begin);
    if (begin < 0) return;
    const lineEnd = body.indexOf('\r\n', begin);
    if (lineEnd < 0) return;
    const line = body.slice(begin + delimiter.length, lineEnd);
    if (line.includes('\n')) throw unreadable();
    const rest = line.trimEnd();
    if (rest === '' || rest === '--') yield { isClosing: rest === '--', begin, end: lineEnd + 2 };
    begin = lineEnd + 2;
  }
}

/** Where the next line begins that starts with this text; -1 when there is none. */
function nextLine(body: string, text: string, from: number): number {
  const found = body.indexOf(`\r\n${text}`, Math.max(0, from - 2));
  return found < 0 ? -1 : found + 2;
}

interface Headers {
  readonly headers: Readonly<Record<string, string>>;
  readonly rest: string;
}

/** Header lines up to the empty line, and what follows it. */
function readHeaders(text: string): Headers {
  const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n');
  // A request without body may end right after its last header line.
  const block = end < 0 ? text : text.slice(0, end);
  const rest = end < 0 ? '' : text.slice(end === 0 ? 2 : end + 4);
  const headers: Record<string, string> = {};
  for (const line of block.split('\r\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon < 0 || line.includes('\n')) throw unreadable();
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { headers, rest };
}

function parsePart(text: string): BatchPart {
  const { headers, rest } = readHeaders(text);
  const contentType = headers['content-type'] ?? '';
  if (!contentType.toLowerCase().startsWith('multipart/mixed')) {
    return { kind: 'operation', operation: parseOperation(headers, rest) };
  }
  const operations = splitParts(`${rest}\r\n`, boundaryOf(contentType)).map((part) => {
    const inner = readHeaders(part);
    return parseOperation(inner.headers, inner.rest);
  });
  if (operations.some(({ method }) => method === 'GET')) {
    throw invalid('GET requests are not allowed inside a change set.');
  }
  return { kind: 'changeSet', operations };
}

function parseOperation(partHeaders: Readonly<Record<string, string>>, text: string): BatchOperation {
  if (!(partHeaders['content-type'] ?? '').toLowerCase().startsWith('application/http')) {
    throw invalid('The content type of a batch part must be application/http or multipart/mixed.');
  }
  const lineEnd = text.indexOf('\r\n');
  const match = /^([A-Z]+) (\S+)(?: HTTP\/1\.1)?$/.exec(lineEnd < 0 ? text : text.slice(0, lineEnd));
  if (match === null) throw unreadable();
  const { headers, rest } = readHeaders(lineEnd < 0 ? '' : text.slice(lineEnd + 2));
  return { method: match[1] ?? '', url: match[2] ?? '', headers, body: rest, contentId: partHeaders['content-id'] };
}

const reasons: Readonly<Record<number, string>> = {
  200: 'OK', 201: 'Created', 204: 'No Content', 304: 'Not Modified', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden',
  404: 'Not Found', 405: 'Method Not Allowed', 412: 'Precondition Failed', 414: 'URI Too Long', 500: 'Internal Server Error',
  501: 'Not Implemented',
}; // prettier-ignore

export type BatchResult =
  | { readonly kind: 'operation'; readonly response: ApiResponse }
  | {
      readonly kind: 'changeSet';
      readonly responses: readonly { readonly contentId: string | undefined; readonly response: ApiResponse }[];
    };

/** The multipart answer in the recorded form, blank lines included. `newBoundaryId` gives a GUID per boundary. */
export function formatBatch(
  results: readonly BatchResult[],
  newBoundaryId: () => string,
): { readonly body: string; readonly contentType: string } {
  const boundary = `batchresponse_${newBoundaryId()}`;
  let body = '';
  for (const result of results) {
    body += `--${boundary}\r\n`;
    if (result.kind === 'operation') {
      body += formatPart(result.response, undefined);
      continue;
    }
    const inner = `changesetresponse_${newBoundaryId()}`;
    body += `Content-Type: multipart/mixed; boundary=${inner}\r\n\r\n`;
    for (const { contentId, response } of result.responses) body += `--${inner}\r\n${formatPart(response, contentId)}`;
    body += `--${inner}--\r\n`;
  }
  return { body: `${body}--${boundary}--\r\n`, contentType: `multipart/mixed; boundary=${boundary}` };
}

function formatPart({ status, headers, body }: ApiResponse, contentId: string | undefined): string {
  let text = 'Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n';
  if (contentId !== undefined) text += `Content-ID: ${contentId}\r\n`;
  text += `\r\nHTTP/1.1 ${status} ${reasons[status] ?? 'Unknown Status Code'}\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    text += `${name}: ${name === 'Content-Type' ? value.replace('odata.metadata=minimal', 'odata.metadata=minimal; odata.streaming=true') : value}\r\n`;
  }
  return `${text}OData-Version: 4.0\r\n\r\n${body}\r\n`;
}
