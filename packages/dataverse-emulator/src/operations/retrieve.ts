import { keyDoesNotExist, rowDoesNotExist, type ODataError } from '../errors.ts';
import { appliedPreferences } from '../odata/preferences.ts';
import type { RowAddress } from '../odata/row-address.ts';
import type { TableModel } from '../schema/table-model.ts';
import type { TableStore } from '../store/table-store.ts';
import { expandRow, parseExpand } from '../rows/expand.ts';
import { apiRoot, jsonResponse, readWork, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { projection } from '../rows/projection.ts';
import { etag, rowToJson } from '../rows/read-row.ts';
import { seenRow } from '../rows/session-consistency.ts';

export function missingRow(model: TableModel, address: RowAddress): ODataError {
  return address.kind === 'id' ? rowDoesNotExist(model.logicalName, address.id) : keyDoesNotExist(model.logicalName);
}

/** `GET /{set}({key})` */
export function retrieve(environment: Environment, request: ApiRequest, store: TableStore, address: RowAddress): Plan {
  return {
    work: readWork,
    execute: () => {
      const { model } = store;
      const { shape, contextColumns } = projection(model, request);
      const expand = parseExpand(model, environment.database, request.path.query.get('$expand'));
      const row = seenRow(environment, request, store, address);
      if (row === undefined) throw missingRow(model, address);
      if (request.headers['if-none-match'] === etag(model, row))
        return { status: 304, headers: { ETag: etag(model, row) }, body: '' };
      const context = `${apiRoot(environment, request)}/$metadata#${model.entitySetName}${contextColumns}/$entity`;
      const json = {
        '@odata.context': context,
        ...rowToJson(model, row, shape),
        ...expandRow(row, expand),
      };
      return jsonResponse(200, json, { ETag: etag(model, row), ...appliedPreferences(request.preferences) });
    },
  };
}
