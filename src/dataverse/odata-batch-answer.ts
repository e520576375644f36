import { MalformedAnswerError } from './errors.ts';

/** The answer to one operation of a batch. */
export interface BatchPart {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/**
 * Takes a batch answer apart, one part per operation in the order of the operations. Throws `MalformedAnswerError` unless the
 * answer is whole (closing boundary), flat (no change sets) and has exactly `operationCount` parts: a part is never
 * attributed on less. Only an answer that says by its status that an operation stopped the batch may have fewer.
 */
export function parseBatchAnswer(
  answer: { readonly status: number; readonly contentType: string | undefined; readonly body: string },
  operationCount: number,
): BatchPart[] {
  const parts = sectionsOf(answer.body, boundaryOf(answer.contentType)).map(parsePart);
  const mayBeFewer = answer.status >= 400 && parts.length > 0 && parts.length < operationCount;
  if (parts.length !== operationCount && !mayBeFewer) {
    throw new MalformedAnswerError(`The batch answer has ${parts.length} parts for ${operationCount} operations.`);
  }
  return parts;
}

/**
 * How many of the parts are those of the first operations, each in its place. Without continue-on-error all operations before the failed one have
 * succeeded, and the answer has its status. As long as parts may be missing nobody knows whose failure it is; where it is the only one told of,
 * or one of several, nothing is known.
 */
export function countPlaced(status: number, parts: readonly BatchPart[], operationCount: number): number {
  if (status < 400) return parts.length;
  const last = parts.length - 1;
  const isStop = parts.findIndex((part) => part.status >= 400) === last && parts[last]?.status === status;
  if (!isStop) return 0;
  return parts.length === operationCount ? parts.length : last;
}

function boundaryOf(contentType: string | undefined): string {
  const match = /^multipart\/mixed\s*;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType ?? '');
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw new MalformedAnswerError('The batch answer names no boundary.');
  return boundary;
}

/** Text between delimiter lines; line breaks may be CRLF or LF. */
function sectionsOf(body: string, boundary: string): string[] {
  const escaped = boundary.replace(/[^A-Za-z0-9_]/g, '\\$&');
  const delimiter = new RegExp(`(?:^|\\r?\\n)--${escaped}(--)?[ \\t]*(?=\\r?\\n|$)`, 'g');
  const sections: string[] = [];
  let from: number | undefined;
  for (let match = delimiter.exec(body); match !== null; match = delimiter.exec(body)) {
    const before = body.slice(from ?? 0, match.index);
    if (from !== undefined) sections.push(before);
    else if (before.trim() !== '') throw new MalformedAnswerError('The batch answer starts with something else.');
    from = delimiter.lastIndex;
    if (match[1] === undefined) continue;
    if (body.slice(from).trim() !== '') throw new MalformedAnswerError('The batch answer goes on after its end.');
    return sections;
  }
  throw new MalformedAnswerError('The batch answer has no closing boundary.');
}

function parsePart(section: string): BatchPart {
  const [mime, message] = splitHead(section.replace(/^\r?\n/, ''));
  const type = parseHeaders(mime.split(/\r?\n/)).get('content-type') ?? '';
  if (!/^application\/http\b/i.test(type))
    throw new MalformedAnswerError('A part of the batch answer is no HTTP answer.');
  const [head, body] = splitHead(message);
  const [statusLine = '', ...headerLines] = head.split(/\r?\n/);
  const status = /^HTTP\/1\.[01] ([2-5]\d\d)(?: |$)/.exec(statusLine)?.[1];
  if (status === undefined) throw new MalformedAnswerError('A part of the batch answer has no status.');
  return { status: Number(status), headers: parseHeaders(headerLines), body: body.trim() };
}

/** Splits at the first empty line; without one everything is head. */
function splitHead(text: string): [head: string, rest: string] {
  const match = /\r?\n\r?\n|^\r?\n/.exec(text);
  return match === null ? [text, ''] : [text.slice(0, match.index), text.slice(match.index + match[0].length)];
}

function parseHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}
