import { createHash } from 'node:crypto';
import { apiRoot } from './api-root.ts';
import { environmentOf } from './connection.ts';
import { RequestRejectedError } from './errors.ts';

/** Pages of one query, far beyond any table: what goes on longer goes in circles. */
const mostPages = 100_000;

/** Keeps watch over the links of one query: they stay in the environment and on the table, and none comes twice. */
export interface LinkWatch {
  /** The path below the API root that a link leads to. Throws `RequestRejectedError` for one that must not be followed. */
  follow(link: string): string;
}

export function createLinkWatch(place: LinkPlace & { readonly mostPages?: number }): LinkWatch {
  const seen = new Set<string>();
  const most = place.mostPages ?? mostPages;
  return {
    follow(link) {
      const path = pathOfLink(link, place);
      // Links hold a cookie of a kilobyte or more; their digests do as well.
      const digest = createHash('sha256').update(path).digest('base64');
      if (seen.has(digest)) throw new RequestRejectedError('The environment answered with a link that came before.');
      seen.add(digest);
      if (seen.size > most) throw new RequestRejectedError(`The query goes on after ${most} pages.`);
      return path;
    },
  };
}

export interface LinkPlace {
  readonly origin: string;
  readonly entitySetName: string;
}

/**
 * Takes a link of the service apart. Only path and query are ever used, and sent to our own origin; yet a link to elsewhere is a sign that
 * something is wrong, and is refused.
 */
export function pathOfLink(link: string, { origin, entitySetName }: LinkPlace): string {
  if (!URL.canParse(link) || !isSameEnvironment(new URL(link), new URL(origin))) {
    throw new RequestRejectedError('The environment answered with a link to another place.');
  }
  const url = new URL(link);
  const path = /^\/api\/data\/v9\.\d\/(.*)$/.exec(url.pathname)?.[1];
  if (path !== entitySetName) throw new RequestRejectedError('The environment answered with a link to another table.');
  return `${path}${url.search}`;
}

function isSameEnvironment(one: URL, other: URL): boolean {
  return one.username === '' && one.password === '' && environmentOf(one.origin) === environmentOf(other.origin);
}

/** The link to a path below the API root, as the service would write it. */
export function linkOf(origin: string, path: string): string {
  return `${origin}${apiRoot}${path}`;
}
