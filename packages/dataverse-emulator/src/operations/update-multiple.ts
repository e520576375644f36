import { errorCodes, invalidRequest, ODataError } from '../errors.ts';
import type { JsonObject } from '../basics/json.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { assertMessageAvailable, bulkTargets, partialFailureResponse, runEach } from './bulk-targets.ts';
import { errorResponse } from './error-response.ts';
import { noContent, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { sessionHeaders } from '../rows/session-consistency.ts';
import { bodyAddress, updateRow, writeContext, type WriteContext } from '../rows/write-row.ts';

/** Rows by primary key only. Of items with the same key the first counts and the rest are dropped without a word. */
export function updateMultiple(environment: Environment, request: ApiRequest, store: TableStore): Plan {
  assertMessageAvailable(environment, store, 'UpdateMultiple');
  const targets = bulkTargets(request, store, 'UpdateMultiple');
  return {
    work: { kind: 'bulk', isWrite: true, rows: { update: targets.length } },
    execute: (transaction) => {
      const context = writeContext(environment, transaction, request);
      const distinct = firstOfEachKey(store, targets);
      if (!store.model.isElastic) {
        for (const target of distinct) updateTarget(context, store, target);
        return noContent;
      }
      const { failure } = runEach(
        transaction,
        distinct,
        (target) => updateTarget(context, store, target),
        (target) => targetAddress(store, target).id,
      );
      return failure === undefined
        ? { ...noContent, headers: sessionHeaders(environment, store) }
        : partialFailureResponse(failure, (error) => errorResponse(error, request.preferences));
    },
  };
}

function firstOfEachKey(store: TableStore, targets: readonly JsonObject[]): readonly JsonObject[] {
  const seen = new Set<string>();
  return targets.filter((target) => {
    const { id, partition } = targetAddress(store, target);
    const key = partition === undefined ? id : `${id} ${partition}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

function targetAddress(store: TableStore, target: JsonObject): { readonly id: string; readonly partition?: string } {
  const { primaryIdColumn } = store.model.definition;
  if (target['@odata.id'] !== undefined) throw invalidRequest('UpdateMultiple does not support alternate keys.');
  const address = bodyAddress(store.model, target);
  if (address === undefined) throw invalidRequest(`An item of Targets has no ${primaryIdColumn}.`);
  return address;
}

function updateTarget(context: WriteContext, store: TableStore, target: JsonObject): Row {
  const { id, partition } = targetAddress(store, target);
  const row = store.get(id, partition);
  if (row === undefined) {
    throw new ODataError(
      404,
      errorCodes.objectDoesNotExist,
      `${store.model.definition.schemaName} With Ids = ${id} Do Not Exist`,
    );
  }
  return updateRow(context, store, row, target);
}
