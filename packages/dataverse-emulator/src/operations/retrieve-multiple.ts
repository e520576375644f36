import { errorCodes, ODataError } from '../errors.ts';
import { formatSkipToken, parseSkipToken } from '../odata/page-cookie.ts';
import { appliedPreferences } from '../odata/preferences.ts';
import { topOf } from '../odata/top.ts';
import type { TableStore } from '../store/table-store.ts';
import { expandRow, parseExpand } from '../rows/expand.ts';
import { apiRoot, jsonResponse, readWork, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { fetchXml } from './fetch-xml.ts';
import { projection } from '../rows/projection.ts';
import { rowToJson } from '../rows/read-row.ts';
import { matchingRows, parseOrder, rowFilter, rowProperty, selectRows, type RowFilter } from '../rows/row-query.ts';
import { seenFilter } from '../rows/session-consistency.ts';
import { trackChanges } from './track-changes.ts';

export const maxPageSize = 5000;

/** `GET /{set}`: learn.microsoft.com/power-apps/developer/data-platform/webapi/query/overview */
export function retrieveMultiple(environment: Environment, request: ApiRequest, store: TableStore): Plan {
  assertSupported(request);
  if (request.path.query.has('fetchXml')) return fetchXml(environment, request, store);
  if (isTracking(request)) return trackChanges(environment, request, store);
  return { work: readWork, execute: () => page(environment, request, store) };
}

/** Asked for, or going on by a link that a walk with change tracking has given. */
function isTracking({ preferences, path: { query } }: ApiRequest): boolean {
  const token = query.get('$skiptoken');
  const goesOn = token !== undefined && parseSkipToken(token).trackedVersion !== undefined;
  return preferences.trackChanges || query.has('$deltatoken') || goesOn;
}

function assertSupported({ path: { query } }: ApiRequest): void {
  for (const name of ['$skip', '$search', '$format']) {
    if (query.has(name))
      throw new ODataError(400, errorCodes.urlNotParsed, `The query parameter ${name} is not supported`);
  }
  for (const name of ['$apply', 'savedQuery', 'userQuery']) {
    if (query.has(name))
      throw new ODataError(501, errorCodes.notImplemented, `The query parameter ${name} is not implemented.`);
  }
}

/** Rows of a page, given `Prefer: odata.maxpagesize`. */
export function pageSizeOf(environment: Environment, request: ApiRequest): number {
  return Math.min(request.preferences.maxPageSize ?? maxPageSize, environment.settings().pageSize);
}

function page(environment: Environment, request: ApiRequest, store: TableStore) {
  const { database } = environment;
  const { model } = store;
  const { query } = request.path;
  const { shape, contextColumns } = projection(model, request);
  const expand = parseExpand(model, database, query.get('$expand'));
  const order = parseOrder(model, query.get('$orderby'));
  const filter = seenFilter(environment, request, store, rowFilter(database, store, query));
  const token = query.get('$skiptoken');
  const after = token === undefined ? undefined : parseSkipToken(token);
  // `$top` is ignored when a page size was asked for.
  const top = request.preferences.maxPageSize === undefined ? topOf(query.get('$top')) : undefined;
  const size = Math.min(pageSizeOf(environment, request), top ?? Infinity);
  const rows = selectRows(database, store, { filter, order, after, limit: size + 1 });
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  const hasMore = rows.length > size && top === undefined && last !== undefined;
  const json: Record<string, unknown> = {
    '@odata.context': `${apiRoot(environment, request)}/$metadata#${model.entitySetName}${contextColumns}`,
    ...countMembers(environment, request, store, filter),
    value: shown.map((row) => ({ ...rowToJson(model, row, shape), ...expandRow(row, expand) })),
  };
  if (hasMore) {
    const orderValues = order.map(({ name }) => rowProperty(database, model, name).read(last));
    const pageNumber = (after?.pageNumber ?? 1) + 1;
    json['@odata.nextLink'] = nextLink(
      environment,
      request,
      store,
      formatSkipToken({ pageNumber, orderValues, lastId: store.keyOf(last) }),
    );
  }
  return jsonResponse(200, json, appliedPreferences(request.preferences));
}

function countMembers(
  environment: Environment,
  request: ApiRequest,
  store: TableStore,
  filter: RowFilter | undefined,
): Record<string, unknown> {
  const isAnnotated = request.preferences.annotations !== undefined;
  const isWanted = request.path.query.get('$count') === 'true';
  if (!isWanted)
    return isAnnotated
      ? {
          '@Microsoft.Dynamics.CRM.totalrecordcount': -1,
          '@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded': false,
        }
      : {};
  const count = countRows(store, filter);
  const shown = limitedCount(environment, count);
  const members: Record<string, unknown> = { '@odata.count': shown };
  if (isAnnotated) {
    members['@Microsoft.Dynamics.CRM.totalrecordcount'] = shown;
    members['@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded'] = count > shown;
  }
  return members;
}

/** learn.microsoft.com/power-apps/developer/data-platform/webapi/query/count-rows */
export function limitedCount(environment: Environment, count: number): number {
  return Math.min(count, environment.settings().countLimit ?? Infinity);
}

export function countRows(store: TableStore, filter: RowFilter | undefined): number {
  return filter === undefined ? store.count : matchingRows(store, filter).length;
}

export function nextLink(environment: Environment, request: ApiRequest, store: TableStore, skipToken: string): string {
  const kept = [...request.path.query].filter(([name]) => name !== '$skiptoken');
  const query = [...kept, ['$skiptoken', skipToken] as const]
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  return `${apiRoot(environment, request)}/${store.model.entitySetName}?${query}`;
}
