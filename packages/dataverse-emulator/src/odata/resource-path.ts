import { errorCodes, ODataError } from '../errors.ts';
import { decodeUrl } from './decode-url.ts';

export interface Segment {
  readonly name: string;
  /** What stands between the parentheses; `undefined` without them. */
  readonly argument: string | undefined;
}

export interface ResourcePath {
  readonly version: string;
  readonly segments: readonly Segment[];
  readonly query: ReadonlyMap<string, string>;
}

const root = /^\/api\/data\/(v\d+\.\d+)(?:\/|$)/;
const supportedVersions = new Set(['v9.0', 'v9.1', 'v9.2']);
const maxUrlLength = 32_768;
const maxBatchUrlLength = 65_536;

/** Splits an absolute path or URL of the Web API. Throws `ODataError` for other versions and for URLs that are too long. */
export function parseResourcePath(url: string, place: 'request' | 'batch'): ResourcePath {
  const absolute = url.startsWith('http') ? url.replace(/^https?:\/\/[^/]*/, '') : url;
  if (absolute.length > (place === 'batch' ? maxBatchUrlLength : maxUrlLength)) {
    throw new ODataError(414, '', 'The request URI is too long.');
  }
  const question = absolute.indexOf('?');
  const path = question < 0 ? absolute : absolute.slice(0, question);
  const match = root.exec(path);
  if (match === null || !supportedVersions.has(match[1] ?? '')) {
    const version = match?.[1] ?? path.split('/')[1] ?? '';
    throw new ODataError(
      400,
      errorCodes.urlNotParsed,
      `Requested API Version '${version}' was not understood by the server.`,
    );
  }
  const rest = path.slice(match[0].length);
  return {
    version: match[1] ?? '',
    segments: splitOutsideQuotes(rest, '/')
      .filter((part) => part !== '')
      .map(parseSegment),
    query: parseQuery(question < 0 ? '' : absolute.slice(question + 1)),
  };
}

function parseSegment(raw: string): Segment {
  const text = decodeUrl(raw);
  const open = text.indexOf('(');
  if (open < 0 || !text.endsWith(')')) return { name: text, argument: undefined };
  return { name: text.slice(0, open), argument: text.slice(open + 1, -1) };
}

function parseQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const value = equals < 0 ? '' : pair.slice(equals + 1);
    query.set(decodeUrl(name), decodeUrl(value.replaceAll('+', ' ')));
  }
  return query;
}

/** Splits at a separator that stands outside quotes and parentheses. */
export function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let isQuoted = false;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === "'") isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === '(' || character === '[') depth += 1;
    else if (character === ')' || character === ']') depth -= 1;
    else if (character === separator && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
