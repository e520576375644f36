import { isJsonObject } from '../basics/json.ts';
import { errorCodes, ODataError } from '../errors.ts';
import { decodeUrl } from './decode-url.ts';
import type { Scalar } from './filter-parser.ts';
import { escapeXml, unescapeXml } from './xml.ts';

/** Where the next page goes on: behind the row with these order values and this id. */
export interface PagePosition {
  readonly pageNumber: number;
  readonly orderValues: readonly Scalar[];
  readonly lastId: string;
  /** Change tracking: the version the walk started at. */
  readonly trackedVersion?: number;
}

function formatCookie(position: PagePosition): string {
  const inner = Buffer.from(
    JSON.stringify(position, (_, value: unknown) => (typeof value === 'bigint' ? { whole: String(value) } : value)),
  ).toString('base64url');
  return `<cookie page="${position.pageNumber - 1}"><position last="${inner}" /></cookie>`;
}

function parseCookie(cookie: string): PagePosition {
  const inner = /last="([^"]*)"/.exec(cookie)?.[1];
  try {
    const json: unknown = JSON.parse(Buffer.from(inner ?? '', 'base64url').toString(), (_, value: unknown) =>
      isJsonObject(value) && typeof value['whole'] === 'string' ? BigInt(value['whole']) : value,
    );
    if (!isPosition(json)) throw new Error('no position');
    return json;
  } catch {
    throw new ODataError(400, errorCodes.invalidArgument, 'Malformed XML in the Paging Cookie');
  }
}

/** Cookies come back from outside, and may not be ours. */
function isPosition(json: unknown): json is PagePosition {
  if (!isJsonObject(json)) return false;
  const { pageNumber, orderValues, lastId, trackedVersion } = json;
  return (
    Number.isInteger(pageNumber) &&
    Array.isArray(orderValues) &&
    orderValues.every((value) => value === null || typeof value !== 'object') &&
    typeof lastId === 'string' &&
    (trackedVersion === undefined || Number.isInteger(trackedVersion))
  );
}

/** What a FetchXML answer carries: an element whose `pagingcookie` is URL-encoded twice. */
export function formatPagingCookie(position: PagePosition): string {
  const twice = encodeURIComponent(encodeURIComponent(formatCookie(position)));
  return `<cookie pagenumber="${position.pageNumber}" pagingcookie="${twice}" istracking="False" />`;
}

/** Reads the `paging-cookie` attribute of a FetchXML query: the decoded cookie. */
export function parsePagingCookie(cookie: string, pageNumber: number): PagePosition {
  return { ...parseCookie(cookie), pageNumber };
}

/** The `$skiptoken` of a next link, in the real service's outward form; opaque to clients. */
export function formatSkipToken(position: PagePosition): string {
  const isTracking = position.trackedVersion === undefined ? 'False' : 'True';
  return `<cookie pagenumber="${position.pageNumber}" pagingcookie="${escapeXml(encodeURIComponent(formatCookie(position)))}" istracking="${isTracking}" />`;
}

export function parseSkipToken(token: string): PagePosition {
  const cookie = unescapeXml(/pagingcookie="([^"]*)"/.exec(token)?.[1] ?? '');
  return parseCookie(decodeUrl(cookie));
}
