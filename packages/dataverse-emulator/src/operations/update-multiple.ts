import { errorCodes, invalidRequest, ODataError } from '../errors.ts';
import type { JsonObject } from '../shared/json.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { assertMessageAvailable, bulkTargets, partialFailureResponse, runEach } from './bulk-targets.ts';
import { errorResponse } from './error-response.ts';
import { noContent, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { bodyId, updateRow, writeContext, type WriteContext } from './write-row.ts';

/** Rows by primary key only. Of items with the same key the first counts and the rest are dropped without a word. */
export function updateMultiple(environment: Environment, request: ApiRequest, store: TableStore): Plan {
  assertMessageAvailable(environment, store, 'UpdateMultiple');
  const targets = bulkTargets(request, store, 'UpdateMultiple');
  return {
    work: { kind: 'bulk', isWrite: true, rows: { update: targets.length } },
    execute: (transaction) => {
      const context = writeContext(environment, transaction, request.caller);
      const distinct = firstOfEachKey(store, targets);
      if (!store.model.isElastic) {
        for (const target of distinct) updateTarget(context, store, target);
        return noContent;
      }
      const { failure } = runEach(
        transaction,
        distinct,
        (target) => updateTarget(context, store, target),
        (target) => targetId(store, target),
      );
      return failure === undefined
        ? noContent
        : partialFailureResponse(failure, (error) => errorResponse(error, request.preferences));
    },
  };
}

function firstOfEachKey(store: TableStore, targets: readonly JsonObject[]): readonly JsonObject[] {
  const seen = new Set<string>();
  return targets.filter((target) => {
    const id = targetId(store, target);
    const isNew = !seen.has(id);
    seen.add(id);
    return isNew;
  });
}

function targetId(store: TableStore, target: JsonObject): string {
  const { primaryIdColumn } = store.model.definition;
  if (target['@odata.id'] !== undefined) throw invalidRequest('UpdateMultiple does not support alternate keys.');
  const id = bodyId(store.model, target);
  if (id === undefined) throw invalidRequest(`An item of Targets has no ${primaryIdColumn}.`);
  return id;
}

function updateTarget(context: WriteContext, store: TableStore, target: JsonObject): Row {
  const id = targetId(store, target);
  const row = store.get(id);
  if (row === undefined) {
    throw new ODataError(
      404,
      errorCodes.objectDoesNotExist,
      `${store.model.definition.schemaName} With Ids = ${id} Do Not Exist`,
    );
  }
  return updateRow(context, store, row, target);
}
