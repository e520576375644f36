import { errorCodes, invalidRequest, ODataError, rowDoesNotExist } from '../errors.ts';
import type { JsonObject } from '../basics/json.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { assertMessageAvailable, bulkTargets, partialFailureResponse, runEach } from './bulk-targets.ts';
import { errorResponse } from './error-response.ts';
import { noContent, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { bodyAddress, bodyId, deleteExisting, writeContext } from '../rows/write-row.ts';

/** Elastic tables only: learn.microsoft.com/power-apps/developer/data-platform/bulk-operations */
export function deleteMultiple(environment: Environment, request: ApiRequest, store: TableStore): Plan {
  const { model } = store;
  if (!model.isElastic) {
    const { deleteMultipleStandardStatus } = environment.settings();
    throw new ODataError(
      deleteMultipleStandardStatus,
      errorCodes.notImplemented,
      'DeleteMultiple has not yet been implemented.',
    );
  }
  assertMessageAvailable(environment, store, 'DeleteMultiple');
  const targets = bulkTargets(request, store, 'DeleteMultiple');
  return {
    work: { kind: 'bulk', isWrite: true, rows: { delete: targets.length } },
    execute: (transaction) => {
      const context = writeContext(environment, transaction, request);
      const remove = (target: JsonObject): Row => {
        const address = bodyAddress(model, target);
        if (address === undefined)
          throw invalidRequest(`An item of Targets has no ${model.definition.primaryIdColumn}.`);
        const row = store.get(address.id, address.partition);
        if (row === undefined) throw rowDoesNotExist(model.logicalName, address.id);
        deleteExisting(context, store, row);
        return row;
      };
      const { failure } = runEach(transaction, targets, remove, (target) => bodyId(model, target) ?? '');
      return failure === undefined
        ? noContent
        : partialFailureResponse(failure, (error) => errorResponse(error, request.preferences));
    },
  };
}
