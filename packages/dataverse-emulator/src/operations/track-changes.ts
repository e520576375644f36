import { errorCodes, ODataError } from '../errors.ts';
import { formatSkipToken, parseSkipToken } from '../odata/page-cookie.ts';
import type { TableStore } from '../store/table-store.ts';
import {
  apiRoot,
  iso,
  jsonResponse,
  readWork,
  type ApiRequest,
  type ApiResponse,
  type Environment,
  type Plan,
} from './operation.ts';
import { projection } from '../rows/projection.ts';
import { changesAfter, formatPosition, readPosition } from '../rows/changes.ts';
import { rowToJson } from '../rows/read-row.ts';
import { appliedPreferences } from '../odata/preferences.ts';
import { nextLink, pageSizeOf } from './retrieve-multiple.ts';
import { selectRows } from '../rows/row-query.ts';

/** learn.microsoft.com/power-apps/developer/data-platform/use-change-tracking-synchronize-data-external-systems */
export function trackChanges(environment: Environment, request: ApiRequest, store: TableStore): Plan {
  const { model } = store;
  for (const name of ['$filter', '$orderby', '$expand', '$top']) {
    if (request.path.query.has(name)) {
      throw new ODataError(
        400,
        errorCodes.invalidArgument,
        `The "${name}" query parameter isn't supported when Change Tracking is enabled.`,
      );
    }
  }
  if (!model.definition.changeTracking) {
    throw new ODataError(
      400,
      errorCodes.changeTrackingOff,
      `Entity ${model.logicalName} isn't enabled for change tracking.`,
    );
  }
  const token = request.path.query.get('$deltatoken');
  return {
    work: readWork,
    execute: () =>
      token === undefined ? firstWalk(environment, request, store) : delta(environment, request, store, token),
  };
}

/** `{version}!{date time UTC}`, as the real tokens look. */
function formatDeltaToken(version: number, atMs: number): string {
  const [, year, month, day, time] = /^(\d{4})-(\d{2})-(\d{2})T([\d:]{8})/.exec(iso(atMs)) ?? [];
  return `${version}!${month}/${day}/${year} ${time}`;
}

/** Throws when the token is none or has expired. */
export function deltaVersion(environment: Environment, token: string): number {
  const match = /^(\d+)!(\d{2})\/(\d{2})\/(\d{4}) ([\d:]{8})$/.exec(token);
  if (match === null) throw new ODataError(400, errorCodes.invalidArgument, `The delta token '${token}' is not valid.`);
  const [, version, month, day, year, time] = match;
  // A version that has not been reached comes from another life of the environment.
  const isForeign = Number(version) > environment.database.version;
  const issuedMs = Date.parse(`${year}-${month}-${day}T${time}Z`);
  if (isForeign || environment.clock.now() - issuedMs > environment.settings().deltaTokenLifetimeSeconds * 1000) {
    throw new ODataError(
      400,
      errorCodes.versionStampExpired,
      'Version stamp associated with the client has expired. Please perform a full sync.',
    );
  }
  return Number(version);
}

function firstWalk(environment: Environment, request: ApiRequest, store: TableStore): ApiResponse {
  const skipToken = request.path.query.get('$skiptoken');
  const after = skipToken === undefined ? undefined : parseSkipToken(skipToken);
  // The link covers everything since the walk began: what changes between two pages comes with the first delta.
  const version = after?.trackedVersion ?? environment.database.version;
  const size = pageSizeOf(environment, request);
  const rows = selectRows(environment.database, store, { filter: undefined, order: [], after, limit: size + 1 });
  const shown = rows.slice(0, size);
  const { shape } = projection(store.model, request);
  const value = shown.map((row) => rowToJson(store.model, row, shape));
  const last = shown.at(-1);
  if (rows.length <= size || last === undefined) return answer(environment, request, store, value, version);
  const pageNumber = (after?.pageNumber ?? 1) + 1;
  const token = formatSkipToken({ pageNumber, orderValues: [], lastId: store.keyOf(last), trackedVersion: version });
  return answer(environment, request, store, value, undefined, nextLink(environment, request, store, token));
}

/** Rows by version, then deletions by version; a page goes on behind the last change shown. */
function delta(environment: Environment, request: ApiRequest, store: TableStore, token: string): ApiResponse {
  const skipToken = request.path.query.get('$skiptoken');
  const after = skipToken === undefined ? undefined : parseSkipToken(skipToken);
  const start = deltaVersion(environment, token);
  const until = after?.trackedVersion ?? environment.database.version;
  const size = pageSizeOf(environment, request);
  const changes = changesAfter(store, start, after === undefined ? undefined : readPosition(after.lastId), size + 1);
  const shown = changes.slice(0, size);
  const { shape } = projection(store.model, request);
  const deletedContext = `${apiRoot(environment, request)}/$metadata#${store.model.entitySetName}/$deletedEntity`;
  const value = shown.map((change) =>
    'values' in change
      ? rowToJson(store.model, change, shape)
      : { '@odata.context': deletedContext, id: change.key.slice(0, guidLength), reason: 'deleted' },
  );
  const last = shown.at(-1);
  if (changes.length <= size || last === undefined) return answer(environment, request, store, value, until);
  const pageNumber = (after?.pageNumber ?? 1) + 1;
  const next = formatSkipToken({ pageNumber, orderValues: [], lastId: formatPosition(last), trackedVersion: until });
  return answer(environment, request, store, value, undefined, nextLink(environment, request, store, next));
}

const guidLength = 36;

function answer(
  environment: Environment,
  request: ApiRequest,
  store: TableStore,
  value: readonly unknown[],
  version: number | undefined,
  next?: string,
): ApiResponse {
  const { contextColumns } = projection(store.model, request);
  const root = apiRoot(environment, request);
  const { entitySetName } = store.model;
  const json: Record<string, unknown> = {
    '@odata.context': `${root}/$metadata#${entitySetName}${contextColumns}/$delta`,
  };
  if (version !== undefined) {
    const select = request.path.query.get('$select');
    const token = encodeURIComponent(formatDeltaToken(version, environment.clock.now()));
    json['@odata.deltaLink'] =
      `${root}/${entitySetName}?${select === undefined ? '' : `$select=${encodeURIComponent(select)}&`}$deltatoken=${token}`;
  }
  if (next !== undefined) json['@odata.nextLink'] = next;
  return jsonResponse(200, { ...json, value }, appliedPreferences(request.preferences));
}
