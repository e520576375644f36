import { payloadError, rowDoesNotExist } from '../errors.ts';
import { findRow, parseReference, parseRowAddress, type RowAddress } from '../odata/row-address.ts';
import type { Collection } from '../schema/collections.ts';
import { isReference } from '../schema/values.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { noContent, parseBody, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { missingRow } from './retrieve.ts';
import { updateRow, writeContext } from '../rows/write-row.ts';

interface CollectionRequest {
  readonly environment: Environment;
  readonly request: ApiRequest;
  readonly store: TableStore;
  readonly address: RowAddress;
  readonly collection: Collection;
  /** What stands between the parentheses of the collection, when one of its rows is named in the path. */
  readonly member: string | undefined;
}

/**
 * `POST /{set}({key})/{collection}/$ref` adds a row, `DELETE .../{collection}({key})/$ref` or `.../$ref?$id=` takes it out:
 * learn.microsoft.com/power-apps/developer/data-platform/webapi/associate-disassociate-entities-using-web-api
 */
export function changeCollection(options: CollectionRequest): Plan {
  const { environment, request, store, address, collection } = options;
  return {
    work: { kind: 'single', isWrite: true, rows: { update: 1 } },
    execute: (transaction) => {
      const parent = findRow(store, address);
      if (parent === undefined) throw missingRow(store.model, address);
      const child = environment.database.table(collection.table);
      if (child === undefined) throw new Error(`there is no table ${collection.table}`);
      const row = findMember(options, child);
      const { column, name } = collection.navigation;
      const present = row.values[column.ordinal];
      const isMember = isReference(present) && present.id === parent.id;
      if (request.method === 'DELETE' && !isMember) throw rowDoesNotExist(collection.table, row.id);
      const body =
        request.method === 'DELETE'
          ? { [name]: null }
          : { [`${name}@odata.bind`]: `/${store.model.entitySetName}(${parent.id})` };
      updateRow(writeContext(environment, transaction, request), child, row, body);
      return noContent;
    },
  };
}

function findMember({ environment, request, store, member }: CollectionRequest, child: TableStore): Row {
  const address =
    member === undefined ? referenced(environment, request, store, child) : parseRowAddress(child.model, member, 'url');
  const row = findRow(child, address);
  if (row === undefined) throw missingRow(child.model, address);
  return row;
}

function referenced(environment: Environment, request: ApiRequest, store: TableStore, child: TableStore): RowAddress {
  const { entitySetName } = store.model;
  const text =
    request.method === 'DELETE' ? request.path.query.get('$id') : parseBody(request, entitySetName)['@odata.id'];
  if (typeof text !== 'string')
    throw payloadError(entitySetName, "A property '@odata.id' was expected in the payload.");
  const found = parseReference(environment.database, text, entitySetName);
  if (found.store !== child)
    throw payloadError(entitySetName, `'${text}' is not a row of ${child.model.entitySetName}.`);
  return found.address;
}
