import { errorCodes, invalidRequest, ODataError, payloadError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../basics/json.ts';
import type { Transaction } from '../store/database.ts';
import type { TableStore } from '../store/table-store.ts';
import { parseBody, type ApiRequest, type ApiResponse, type Environment } from './operation.ts';

export type BulkMessage = 'CreateMultiple' | 'UpdateMultiple' | 'UpsertMultiple' | 'DeleteMultiple';

/**
 * The items of a bulk message, each checked for its mandatory `@odata.type`.
 * learn.microsoft.com/power-apps/developer/data-platform/bulk-operations
 */
export function bulkTargets(request: ApiRequest, store: TableStore, message: BulkMessage): readonly JsonObject[] {
  const { entitySetName, logicalName } = store.model;
  const targets = parseBody(request, entitySetName)['Targets'];
  if (!Array.isArray(targets)) throw payloadError(entitySetName, `The parameter 'Targets' of ${message} is missing.`);
  if (targets.length === 0) throw invalidRequest(`${message}: the collection 'Targets' must not be empty.`);
  const plain = `Microsoft.Dynamics.CRM.${logicalName}`;
  const hashed = `#${plain}`;
  return targets.map((target: unknown) => {
    if (!isJsonObject(target)) throw payloadError(entitySetName, 'An object was expected in the collection Targets.');
    const type = target['@odata.type'];
    if (type === plain || type === hashed) return target;
    if (type === undefined) {
      throw payloadError(
        entitySetName,
        "An item of the collection Targets has no '@odata.type', which is required for the abstract type 'Microsoft.Dynamics.CRM.crmbaseentity'.",
      );
    }
    throw message === 'UpdateMultiple'
      ? new ODataError(
          400,
          errorCodes.queryNoAttribute,
          `'${logicalName}' entity doesn't contain the attributes of an item of type ${JSON.stringify(type)}.`,
        )
      : invalidRequest(`All items of Targets must be of the table '${logicalName}'; found ${JSON.stringify(type)}.`);
  });
}

/** `UpsertMultiple` is there where both of these are: learn.microsoft.com/power-apps/developer/data-platform/bulk-operations */
const neededBy: Readonly<Record<BulkMessage, readonly BulkMessage[]>> = {
  CreateMultiple: ['CreateMultiple'],
  UpdateMultiple: ['UpdateMultiple'],
  UpsertMultiple: ['UpsertMultiple', 'CreateMultiple', 'UpdateMultiple'],
  DeleteMultiple: ['DeleteMultiple'],
};

/** Throws when the table lacks the message (a setting), as a table without support for it does. */
export function assertMessageAvailable(environment: Environment, store: TableStore, message: BulkMessage): void {
  const { logicalName } = store.model;
  const missing = environment.settings().missingMessages[logicalName] ?? [];
  if (neededBy[message].some((needed) => missing.includes(needed))) {
    throw new ODataError(
      400,
      errorCodes.messageNotSupported,
      `The '${message}' method does not support entities of type '${logicalName}'.`,
    );
  }
}

interface ItemError {
  readonly RequestIndex: number;
  readonly Id: string;
  readonly StatusCode: number;
}

/**
 * Elastic tables: each item on its own; what succeeded stays. With failures the answer is an error whose details list them.
 * learn.microsoft.com/power-apps/developer/data-platform/use-elastic-tables
 */
export function runEach(
  transaction: Transaction,
  targets: readonly JsonObject[],
  run: (target: JsonObject) => { readonly id: string },
  idOf: (target: JsonObject) => string,
): { readonly ids: readonly string[]; readonly failure: PartialFailure | undefined } {
  const errors: ItemError[] = [];
  const ids: string[] = [];
  targets.forEach((target, index) => {
    const mark = transaction.mark();
    try {
      ids.push(run(target).id);
    } catch (error) {
      // What fails validation never reaches the data store, and then no item is told apart.
      if (!(error instanceof ODataError) || error.status === 400) throw error;
      transaction.rollbackTo(mark);
      errors.push({ RequestIndex: index, Id: idOf(target), StatusCode: error.status === 412 ? 409 : error.status });
    }
  });
  return { ids, failure: errors.length === 0 ? undefined : { errors } };
}

export interface PartialFailure {
  readonly errors: readonly ItemError[];
}

/** An error answer that does not take back what was written. */
export function partialFailureResponse(
  { errors }: PartialFailure,
  respond: (error: ODataError) => ApiResponse,
): ApiResponse {
  return respond(
    new ODataError(400, errorCodes.unexpected, 'One or more of the items of the request could not be processed.', {
      'Plugin.BulkApiErrorDetails': JSON.stringify(errors),
    }),
  );
}
