import type { Client } from './client.ts';
import { DeltaExpiredError, MalformedAnswerError, RequestRejectedError } from './errors.ts';
import { guidForm } from './guid-form.ts';
import { createLinkWatch, linkOf, pathOfLink } from './links.ts';
import { defaultPageSize, queryPath, readPage } from './query.ts';
import type { AnswerPage, Query, QueryOptions, ReadRow } from './query.ts';
import { factsOf, sendRead } from './read-request.ts';

/** Change tracking takes no filter and no order (learn.microsoft.com/power-apps/developer/data-platform/use-change-tracking-synchronize-data-external-systems). */
export interface ChangeQuery extends Omit<Query, 'filter' | 'orderBy'> {
  readonly primaryIdColumn: string;
  /** Where the last reading ended; absent: every row of the table, and where that reading ends. */
  readonly since?: string;
}

export type Change =
  | { readonly kind: 'row'; readonly id: string; readonly row: ReadRow }
  /** Also of rows that came and went in between, which nobody has seen. */
  | { readonly kind: 'deleted'; readonly id: string };

export interface ChangePage {
  readonly changes: readonly Change[];
  /** On the last page only: what the next reading starts from. A path below the API root, never a URL. */
  readonly until?: string;
}

/**
 * Reads the changes of a table, page by page; rows first, deletions last. Throws `DeltaExpiredError` when `since` is too old (7 days unless the
 * environment says otherwise), `RequestRejectedError` when the table does not track changes, and what `queryPages` throws.
 */
export async function* changePages(
  client: Client,
  query: ChangeQuery,
  options: QueryOptions = {},
): AsyncGenerator<ChangePage, void, void> {
  const place = { ...options, origin: client.origin, entitySetName: query.entitySetName };
  const watch = createLinkWatch(place);
  const size = `odata.maxpagesize=${query.pageSize ?? defaultPageSize}`;
  const headers = { prefer: query.since === undefined ? `odata.track-changes,${size}` : size };
  const first = query.since === undefined ? queryPath(query) : pathOfLink(linkOf(client.origin, query.since), place);
  for (let path: string | undefined = first; path !== undefined;) {
    const page: AnswerPage = await sendRead(client, {
      path,
      headers,
      signal: options.signal,
      log: options.log,
      read: (answer) => readChanges(answer.body, query.primaryIdColumn),
    }).catch((error: unknown) => {
      throw asExpired(error);
    });
    const changes = page.items.map((item) => changeOf(item, query.primaryIdColumn));
    if (page.deltaLink !== undefined) yield { changes, until: pathOfLink(page.deltaLink, place) };
    else yield { changes };
    path = page.nextLink === undefined ? undefined : watch.follow(page.nextLink);
  }
}

/** A last page without its link would be the last of all readings. */
function readChanges(body: string, primaryIdColumn: string): AnswerPage {
  const page = readPage(body);
  if ((page.nextLink === undefined) === (page.deltaLink === undefined)) {
    throw new MalformedAnswerError('A page of changes must hold a link to the next page or to later changes.');
  }
  for (const item of page.items) changeOf(item, primaryIdColumn);
  return page;
}

/** Deleted rows may be named by their address. */
const idAtEnd = new RegExp(`${guidForm}(?=\\)?$)`, 'i');

function changeOf(item: ReadRow, primaryIdColumn: string): Change {
  const { '@odata.context': context } = item;
  const isDeleted = typeof context === 'string' && context.endsWith('/$deletedEntity');
  const id = item[isDeleted ? 'id' : primaryIdColumn];
  if (typeof id !== 'string') throw new MalformedAnswerError('A change names no row.');
  const bare = idAtEnd.exec(id)?.[0].toLowerCase();
  if (bare === undefined) throw new MalformedAnswerError('A change names no row.');
  return isDeleted ? { kind: 'deleted', id: bare } : { kind: 'row', id: bare, row: item };
}

/** ExpiredVersionStamp. */
const expiredCode = '0x80044352';
const gone = 410;

function asExpired(error: unknown): unknown {
  if (!(error instanceof RequestRejectedError)) return error;
  const isExpired = error.serviceErrorCode === expiredCode || error.httpStatus === gone;
  return isExpired ? new DeltaExpiredError(error.message, factsOf(error)) : error;
}
