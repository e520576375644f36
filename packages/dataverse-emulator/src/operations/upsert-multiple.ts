import { errorCodes, ODataError, payloadError } from '../errors.ts';
import { findRow, parseReference, type RowAddress } from '../odata/row-address.ts';
import type { JsonObject } from '../basics/json.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { assertMessageAvailable, bulkTargets, partialFailureResponse, runEach } from './bulk-targets.ts';
import { errorResponse } from './error-response.ts';
import { noContent, type ApiRequest, type Environment, type Plan } from './operation.ts';
import { sessionHeaders } from '../rows/session-consistency.ts';
import {
  bodyAddress,
  bodyId,
  createRow,
  replaceRow,
  updateRow,
  writeContext,
  type WriteContext,
} from '../rows/write-row.ts';

/** Rows by primary key in the body, by key in `@odata.id`, or without key, which creates. Never tells which it did. */
export function upsertMultiple(environment: Environment, request: ApiRequest, store: TableStore): Plan {
  assertMessageAvailable(environment, store, 'UpsertMultiple');
  const targets = bulkTargets(request, store, 'UpsertMultiple');
  const byKey = targets.reduce((count, target) => count + (isByAlternateKey(target) ? 1 : 0), 0);
  return {
    work: { kind: 'bulk', isWrite: true, rows: { upsert: targets.length - byKey, upsertByKey: byKey } },
    execute: (transaction) => {
      const context = writeContext(environment, transaction, request);
      const seen = new Set<string>();
      const run = (target: JsonObject): Row => upsertTarget(context, store, target, seen);
      if (!store.model.isElastic) {
        for (const target of targets) run(target);
        return noContent;
      }
      const { failure } = runEach(transaction, targets, run, (target) => bodyId(store.model, target) ?? '');
      return failure === undefined
        ? { ...noContent, headers: sessionHeaders(environment, store) }
        : partialFailureResponse(failure, (error) => errorResponse(error, request.preferences));
    },
  };
}

function isByAlternateKey(target: JsonObject): boolean {
  const id = target['@odata.id'];
  return typeof id === 'string' && id.includes('=');
}

function targetAddress(context: WriteContext, store: TableStore, target: JsonObject): RowAddress | undefined {
  const reference = target['@odata.id'];
  if (reference === undefined) return bodyAddress(store.model, target);
  const { entitySetName } = store.model;
  if (typeof reference !== 'string') throw payloadError(entitySetName, "'@odata.id' must be text.");
  const found = parseReference(context.environment.database, reference, entitySetName);
  if (found.store !== store) throw payloadError(entitySetName, `'${reference}' is not a row of ${entitySetName}.`);
  return found.address;
}

function upsertTarget(context: WriteContext, store: TableStore, target: JsonObject, seen: Set<string>): Row {
  const address = targetAddress(context, store, target);
  const before = address === undefined ? undefined : findRow(store, address);
  if (before !== undefined && seen.has(store.keyOf(before))) throw repeatedKey();
  const row =
    before === undefined
      ? createTarget(context, store, target, address)
      : changeTarget(context, store, before, target, address);
  seen.add(store.keyOf(row));
  return row;
}

function changeTarget(
  context: WriteContext,
  store: TableStore,
  before: Row,
  target: JsonObject,
  address: RowAddress | undefined,
): Row {
  return store.model.isElastic
    ? replaceRow(context, store, before, target)
    : updateRow(context, store, before, target, address);
}

function createTarget(
  context: WriteContext,
  store: TableStore,
  target: JsonObject,
  address: RowAddress | undefined,
): Row {
  // A key column repeated in the body breaks the create path alone (microsoft/PowerPlatform-DataverseClient-Python, pull request 127).
  if (address?.kind === 'key' && [...address.values.keys()].some((column) => column.name in target)) {
    throw new ODataError(400, errorCodes.unexpected, 'An unexpected error occurred.');
  }
  return createRow(context, store, target, address);
}

/** The code of this error is not documented. */
function repeatedKey(): ODataError {
  return new ODataError(400, errorCodes.duplicateRecord, 'A record with matching key values already exists.');
}
