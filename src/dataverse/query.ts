import type { Client } from './client.ts';
import type { SendLog } from './send-log.ts';
import { MalformedAnswerError } from './errors.ts';
import { createLinkWatch } from './links.ts';
import { asObject, readJsonObject } from './read-json.ts';
import { sendRead } from './read-request.ts';

/** A row as it was read: columns, `_x_value` of lookups, annotations. */
export type ReadRow = Readonly<Record<string, unknown>>;

export interface Query {
  readonly entitySetName: string;
  /** Logical names, lookups as `_x_value`; the primary id comes by itself. */
  readonly select: readonly string[];
  /** OData, not encoded. */
  readonly filter?: string;
  readonly orderBy?: string;
  /** At most 5,000; the answer must stay under 16 MiB. */
  readonly pageSize?: number;
}

export interface QueryOptions {
  readonly signal?: AbortSignal;
  readonly log?: SendLog;
  /** Bound of pages; by default far beyond any table. */
  readonly mostPages?: number;
}

/** Small enough for wide rows, large enough that pages cost little. */
export const defaultPageSize = 2_000;

/**
 * Reads all rows of a query, page by page. Throws `RequestRejectedError` (the query is refused, or a link of the answer leads elsewhere or in
 * circles), `ThrottledError`, `TransientError` or the signal's reason.
 */
export async function* queryPages(
  client: Client,
  query: Query,
  options: QueryOptions = {},
): AsyncGenerator<readonly ReadRow[], void, void> {
  const watch = createLinkWatch({ ...options, origin: client.origin, entitySetName: query.entitySetName });
  const headers = { prefer: `odata.maxpagesize=${query.pageSize ?? defaultPageSize}` };
  for (let path: string | undefined = queryPath(query); path !== undefined;) {
    const page: AnswerPage = await sendRead(client, {
      path,
      headers,
      signal: options.signal,
      log: options.log,
      read: (answer) => readPage(answer.body),
    });
    yield page.items;
    path = page.nextLink === undefined ? undefined : watch.follow(page.nextLink);
  }
}

export function queryPath({ entitySetName, select, filter, orderBy }: Query): string {
  const parts = [
    `$select=${encodeURIComponent(select.join(','))}`,
    ...(filter === undefined ? [] : [`$filter=${encodeURIComponent(filter)}`]),
    ...(orderBy === undefined ? [] : [`$orderby=${encodeURIComponent(orderBy)}`]),
  ];
  return `${entitySetName}?${parts.join('&')}`;
}

export interface AnswerPage {
  readonly items: readonly ReadRow[];
  readonly nextLink: string | undefined;
  readonly deltaLink: string | undefined;
}

/** Throws `MalformedAnswerError`: rows that cannot be read are not skipped, and a link that is no text is not the end. */
export function readPage(body: string): AnswerPage {
  const { value, '@odata.nextLink': nextLink, '@odata.deltaLink': deltaLink } = readJsonObject(body);
  if (!Array.isArray(value) || !value.every(isRow)) throw new MalformedAnswerError('The answer holds no list of rows.');
  return { items: value, nextLink: linkIn(nextLink), deltaLink: linkIn(deltaLink) };
}

function isRow(value: unknown): value is ReadRow {
  return asObject(value) !== undefined;
}

function linkIn(link: unknown): string | undefined {
  if (link === undefined || typeof link === 'string') return link;
  throw new MalformedAnswerError('The answer holds a link that is no text.');
}
