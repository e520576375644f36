import { duplicateRecord, errorCodes, ODataError } from '../errors.ts';
import { findRow, type RowAddress } from '../odata/row-address.ts';
import type { JsonObject } from '../basics/json.ts';
import type { Transaction } from '../store/database.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { representation, rowKey, written } from './create.ts';
import { parseBody, type ApiRequest, type ApiResponse, type Environment, type Plan } from './operation.ts';
import { etag } from '../rows/read-row.ts';
import { missingRow } from './retrieve.ts';
import { createRow, replaceRow, updateRow, writeContext } from '../rows/write-row.ts';

/**
 * `PATCH /{set}({key})`: update or create, steered by `If-Match` and `If-None-Match`.
 * learn.microsoft.com/power-apps/developer/data-platform/webapi/perform-conditional-operations-using-web-api
 */
export function update(environment: Environment, request: ApiRequest, store: TableStore, address: RowAddress): Plan {
  const isUpdateOnly = request.headers['if-match'] !== undefined;
  const rowWork = isUpdateOnly ? 'update' : address.kind === 'key' ? 'upsertByKey' : 'upsert';
  return {
    work: { kind: 'single', isWrite: true, rows: { [rowWork]: 1 } },
    execute: (transaction) => {
      const body = parseBody(request, store.model.entitySetName);
      const exact = withPartition(store, address, body);
      const row = findRow(store, exact);
      assertPreconditions(request, store, row, exact);
      return write({ environment, request, store, address: exact, transaction, row, body });
    },
  };
}

/** In an elastic table the body may tell the partition that the URL leaves out. */
function withPartition({ model }: TableStore, address: RowAddress, body: JsonObject): RowAddress {
  const partition = body['partitionid'];
  if (!model.isElastic || address.kind === 'key' || address.partition !== undefined) return address;
  return typeof partition === 'string' ? { ...address, partition } : address;
}

function write(options: {
  readonly environment: Environment;
  readonly request: ApiRequest;
  readonly store: TableStore;
  readonly address: RowAddress;
  readonly transaction: Transaction;
  readonly row: Row | undefined;
  readonly body: JsonObject;
}): ApiResponse {
  const { environment, request, store, address, transaction, row, body } = options;
  const context = writeContext(environment, transaction, request);
  const isReplaced = store.model.isElastic && request.headers['if-match'] === undefined;
  const changed =
    row === undefined
      ? createRow(context, store, body, address)
      : isReplaced
        ? replaceRow(context, store, row, body)
        : updateRow(context, store, row, body, address);
  if (request.preferences.returnRepresentation) {
    return representation(environment, request, store, changed, row === undefined ? 201 : 200);
  }
  return written(environment, request, store, address.kind === 'key' ? address.text : rowKey(store, changed));
}

export function assertPreconditions(
  request: ApiRequest,
  store: TableStore,
  row: Row | undefined,
  address: RowAddress,
): void {
  const ifMatch = request.headers['if-match'];
  if (ifMatch !== undefined && row === undefined) throw missingRow(store.model, address);
  if (row !== undefined && ifMatch !== undefined && ifMatch !== '*' && ifMatch !== etag(store.model, row))
    throw versionMismatch();
  if (request.headers['if-none-match'] === '*' && row !== undefined) throw duplicateRecord();
}

function versionMismatch(): ODataError {
  return new ODataError(
    412,
    errorCodes.versionMismatch,
    "The version of the existing record doesn't match the RowVersion property provided.",
  );
}
