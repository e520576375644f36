import { payloadError } from '../errors.ts';
import { findRow, type RowAddress } from '../odata/row-address.ts';
import type { Column } from '../schema/table-model.ts';
import type { TableStore } from '../store/table-store.ts';
import {
  apiRoot,
  jsonResponse,
  noContent,
  parseBody,
  readWork,
  type ApiRequest,
  type Environment,
  type Plan,
} from './operation.ts';
import { missingRow } from './retrieve.ts';
import { jsonOf } from '../rows/read-row.ts';
import { updateRow, writeContext } from '../rows/write-row.ts';

interface ColumnRequest {
  readonly environment: Environment;
  readonly request: ApiRequest;
  readonly store: TableStore;
  readonly address: RowAddress;
  readonly column: Column;
}

/** `GET /{set}({key})/{column}` */
export function readColumn({ environment, request, store, address, column }: ColumnRequest): Plan {
  return {
    work: readWork,
    execute: () => {
      const row = findRow(store, address);
      if (row === undefined) throw missingRow(store.model, address);
      const value = row.values[column.ordinal] ?? null;
      if (value === null) return noContent;
      const context = `${apiRoot(environment, request)}/$metadata#${store.model.entitySetName}(${row.id})/${column.property}`;
      return jsonResponse(200, { '@odata.context': context, value: jsonOf(column, value) });
    },
  };
}

/** `PUT /{set}({key})/{column}` with `{"value": ...}`, or `DELETE`, which sets null. */
export function writeColumn({ environment, request, store, address, column }: ColumnRequest): Plan {
  return {
    work: { kind: 'single', isWrite: true, rows: { update: 1 } },
    execute: (transaction) => {
      const row = findRow(store, address);
      if (row === undefined) throw missingRow(store.model, address);
      const value = request.method === 'DELETE' ? null : parseBody(request, store.model.entitySetName)['value'];
      if (value === undefined)
        throw payloadError(store.model.entitySetName, "A property 'value' was expected in the payload.");
      const context = writeContext(environment, transaction, request);
      updateRow(context, store, row, { [column.name]: value }, address);
      return noContent;
    },
  };
}
