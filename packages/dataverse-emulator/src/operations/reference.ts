import { payloadError } from '../errors.ts';
import { findRow, type RowAddress } from '../odata/row-address.ts';
import type { Navigation } from '../schema/table-model.ts';
import type { TableStore } from '../store/table-store.ts';
import { noContent, parseBody, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { missingRow } from './retrieve.ts';
import { updateRow, writeContext } from '../rows/write-row.ts';

/**
 * `PUT` and `DELETE /{set}({key})/{navigation}/$ref` for single-valued navigation properties:
 * learn.microsoft.com/power-apps/developer/data-platform/webapi/associate-disassociate-entities-using-web-api
 */
export function changeReference(options: {
  readonly environment: Environment;
  readonly request: ApiRequest;
  readonly store: TableStore;
  readonly address: RowAddress;
  readonly navigation: Navigation;
}): Plan {
  const { environment, request, store, address, navigation } = options;
  return {
    work: { kind: 'single', isWrite: true, rows: { update: 1 } },
    execute: (transaction) => {
      const row = findRow(store, address);
      if (row === undefined) throw missingRow(store.model, address);
      const body =
        request.method === 'DELETE'
          ? { [navigation.name]: null }
          : { [`${navigation.name}@odata.bind`]: target(request, store.model.entitySetName) };
      updateRow(writeContext(environment, transaction, request), store, row, body, address);
      return noContent;
    },
  };
}

function target(request: ApiRequest, entitySetName: string): string {
  const id = parseBody(request, entitySetName)['@odata.id'];
  if (typeof id !== 'string') throw payloadError(entitySetName, "A property '@odata.id' was expected in the payload.");
  return id;
}
