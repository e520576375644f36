import type { TableStore } from '../store/table-store.ts';
import { assertMessageAvailable, bulkTargets, partialFailureResponse, runEach } from './bulk-targets.ts';
import { errorResponse } from './error-response.ts';
import { apiRoot, jsonResponse, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { sessionHeaders } from '../rows/session-consistency.ts';
import { bodyId, createRow, writeContext } from '../rows/write-row.ts';

/** Answers the ids in the order of the items. */
export function createMultiple(environment: Environment, request: ApiRequest, store: TableStore): Plan {
  assertMessageAvailable(environment, store, 'CreateMultiple');
  const targets = bulkTargets(request, store, 'CreateMultiple');
  return {
    work: { kind: 'bulk', isWrite: true, rows: { create: targets.length } },
    execute: (transaction) => {
      const context = writeContext(environment, transaction, request);
      const answer = (ids: readonly string[]) =>
        jsonResponse(
          200,
          {
            '@odata.context': `${apiRoot(environment, request)}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse`,
            Ids: ids,
          },
          sessionHeaders(environment, store),
        );
      if (!store.model.isElastic) return answer(targets.map((target) => createRow(context, store, target).id));
      const { ids, failure } = runEach(
        transaction,
        targets,
        (target) => createRow(context, store, target),
        (target) => bodyId(store.model, target) ?? '',
      );
      if (failure === undefined) return answer(ids);
      return partialFailureResponse(failure, (error) => errorResponse(error, request.preferences));
    },
  };
}
