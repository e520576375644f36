import { errorCodes, ODataError } from '../errors.ts';

/** Where the next page goes on: behind the row with these order values and this id. */
export interface PagePosition {
  readonly pageNumber: number;
  readonly orderValues: readonly (string | number | boolean | null)[];
  readonly lastId: string;
  /** Change tracking: the version the walk started at. */
  readonly trackedVersion?: number;
}

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const unescapeXml = (text: string): string =>
  text.replaceAll('&gt;', '>').replaceAll('&lt;', '<').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** The `$skiptoken` of a next link, in the real service's outward form; opaque to clients. */
export function formatSkipToken(position: PagePosition): string {
  const inner = Buffer.from(JSON.stringify(position)).toString('base64url');
  const isTracking = position.trackedVersion === undefined ? 'False' : 'True';
  const pagingCookie = `<cookie page="${position.pageNumber - 1}"><position last="${inner}" /></cookie>`;
  return `<cookie pagenumber="${position.pageNumber}" pagingcookie="${escapeXml(encodeURIComponent(pagingCookie))}" istracking="${isTracking}" />`;
}

export function parseSkipToken(token: string): PagePosition {
  const cookie = /pagingcookie="([^"]*)"/.exec(token)?.[1];
  try {
    const inner = /last="([^"]*)"/.exec(decodeURIComponent(unescapeXml(cookie ?? '')))?.[1];
    if (inner === undefined) throw new Error('no position');
    return JSON.parse(Buffer.from(inner, 'base64url').toString()) as PagePosition;
  } catch {
    throw new ODataError(400, errorCodes.invalidArgument, 'Malformed XML in the Paging Cookie');
  }
}
