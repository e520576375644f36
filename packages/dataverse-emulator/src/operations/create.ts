import { createRow, writeContext } from '../rows/write-row.ts';
import { projection } from '../rows/projection.ts';
import { etag, rowToJson } from '../rows/read-row.ts';
import { sessionHeaders } from '../rows/session-consistency.ts';
import {
  apiRoot,
  jsonResponse,
  parseBody,
  type ApiRequest,
  type ApiResponse,
  type Environment,
  type Plan,
} from './operation.ts';
import type { Row, TableStore } from '../store/table-store.ts';

/** `POST /{set}`: learn.microsoft.com/power-apps/developer/data-platform/webapi/create-entity-web-api */
export function create(environment: Environment, request: ApiRequest, store: TableStore): Plan {
  return {
    work: { kind: 'single', isWrite: true, rows: { create: 1 } },
    execute: (transaction) => {
      const body = parseBody(request, store.model.entitySetName);
      const row = createRow(writeContext(environment, transaction, request), store, body);
      return request.preferences.returnRepresentation
        ? representation(environment, request, store, row, 201)
        : written(environment, request, store, rowKey(store, row));
    },
  };
}

/** The short answer to a write: no body, the row's address in headers. */
export function written(environment: Environment, request: ApiRequest, store: TableStore, key: string): ApiResponse {
  // Headers carry no more than Latin letters, and an address nothing that has to be encoded.
  const address = `${apiRoot(environment, request)}/${store.model.entitySetName}(${encodedKey(key)})`;
  const headers = { 'OData-EntityId': address, Location: address, ...sessionHeaders(environment, store) };
  return { status: 204, headers, body: '' };
}

/** Half a surrogate pair, which JSON can carry, has no encoding. */
const encodedKey = (key: string): string =>
  encodeURIComponent(key.replace(/\p{Surrogate}/gu, '\ufffd'))
    .replaceAll('%3D', '=')
    .replaceAll('%2C', ',');

/** What addresses the row: its id, on elastic tables with its partition. */
export function rowKey({ model }: TableStore, row: Row): string {
  if (!model.isElastic) return row.id;
  const stored = row.values[model.columnsByName.get('partitionid')?.ordinal ?? -1];
  const partition = typeof stored === 'string' ? stored.replaceAll("'", "''") : row.id;
  return `${model.definition.primaryIdColumn}=${row.id},partitionid='${partition}'`;
}

export function representation(
  environment: Environment,
  request: ApiRequest,
  store: TableStore,
  row: Row,
  status: number,
): ApiResponse {
  const { model } = store;
  const { shape, contextColumns } = projection(model, request);
  const context = `${apiRoot(environment, request)}/$metadata#${model.entitySetName}${contextColumns}/$entity`;
  return jsonResponse(
    status,
    { '@odata.context': context, ...rowToJson(model, row, shape) },
    { 'Preference-Applied': 'return=representation', ETag: etag(model, row), ...sessionHeaders(environment, store) },
  );
}
