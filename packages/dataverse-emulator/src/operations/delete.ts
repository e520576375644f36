import { addressKey, findRow, type RowAddress } from '../odata/row-address.ts';
import type { TableStore } from '../store/table-store.ts';
import { noContent, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { missingRow } from './retrieve.ts';
import { assertPreconditions } from './update.ts';
import { deleteExisting, writeContext } from '../rows/write-row.ts';

/** `DELETE /{set}({key})`, with `If-Match` when a version has to match. */
export function deleteRow(environment: Environment, request: ApiRequest, store: TableStore, address: RowAddress): Plan {
  return {
    work: { kind: 'single', isWrite: true, rows: { delete: 1 } },
    execute: (transaction) => {
      const row = findRow(store, address);
      if (row === undefined) throw missingRow(store.model, address);
      assertPreconditions(request, store, row, address);
      deleteExisting(writeContext(environment, transaction, request), store, row, addressKey(address));
      return noContent;
    },
  };
}
