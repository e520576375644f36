import { errorCodes, invalidRequest, ODataError, payloadError } from '../errors.ts';
import type { RowAddress } from '../odata/row-address.ts';
import { createGuid } from '../basics/guid.ts';
import { isJsonObject, type JsonObject } from '../basics/json.ts';
import type { Transaction } from '../store/database.ts';
import type { Row, TableStore } from '../store/table-store.ts';
import { assertPrivileges } from '../auth/privileges.ts';
import { compileConditions, type ConditionGroup } from '../rows/conditions.ts';
import {
  apiRoot,
  iso,
  jsonResponse,
  parseBody,
  toldNowMs,
  type ApiRequest,
  type Environment,
  type Plan,
} from './operation.ts';
import { rowProperty } from '../rows/row-query.ts';
import { createRow, deleteExisting, updateRow, writeContext } from '../rows/write-row.ts';

/** `operationtype` of a bulk delete, and the states of its job: reference/entities/asyncoperation on learn.microsoft.com. */
const bulkDeleteType = 13;
const succeeded = { statecode: 3, statuscode: 30 };
const failed = { statecode: 3, statuscode: 31 };

interface Query {
  readonly store: TableStore;
  readonly matches: (row: Row) => boolean;
}

/**
 * `POST /BulkDelete`: an asynchronous job that deletes what its queries find, followed in `asyncoperations`.
 * learn.microsoft.com/power-apps/developer/data-platform/delete-data-bulk
 */
export function bulkDelete(environment: Environment, request: ApiRequest): Plan {
  const body = parseBody(request, '');
  const set = body['QuerySet'];
  if (!Array.isArray(set) || set.length === 0) throw payloadError('', "The parameter 'QuerySet' is missing.");
  const name = body['JobName'];
  if (typeof name !== 'string') throw payloadError('', "The parameter 'JobName' is missing.");
  const queries = set.map((query: unknown) => parseQuery(environment, query));
  for (const { store } of queries) assertPrivileges(request.caller, store.model, 'DELETE');
  return {
    work: { kind: 'single', isWrite: true, rows: { create: 1 } },
    execute: (transaction) => {
      const jobId = createGuid(environment.random);
      startJob(environment, request, transaction, { id: jobId, name, queries });
      return jsonResponse(200, {
        '@odata.context': `${apiRoot(environment, request)}/$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse`,
        JobId: jobId,
      });
    },
  };
}

interface Job {
  readonly id: string;
  readonly name: string;
  readonly queries: readonly Query[];
}

function startJob(environment: Environment, request: ApiRequest, transaction: Transaction, job: Job): void {
  const jobs = environment.database.table('asyncoperation');
  if (jobs === undefined) throw new Error('there is no table for jobs');
  const address: RowAddress = { kind: 'id', id: job.id };
  createRow(
    writeContext(environment, transaction, request),
    jobs,
    { name: job.name, operationtype: bulkDeleteType, statecode: 0, statuscode: 0 },
    address,
  );
  const info = { requestId: job.id, user: request.caller.user.clientId };
  const delayMs = environment.settings().bulkDeleteSeconds * 1000;
  transaction.afterCommit(() =>
    environment.later(delayMs, info, (later) => {
      const row = jobs.get(job.id);
      if (row === undefined) return;
      const context = writeContext(environment, later, { ...request, requestId: job.id });
      const outcome = runQueries(environment, later, request, job);
      updateRow(context, jobs, row, { ...outcome, completedon: iso(toldNowMs(environment)) });
    }),
  );
}

function runQueries(environment: Environment, transaction: Transaction, request: ApiRequest, job: Job): JsonObject {
  const context = writeContext(environment, transaction, { ...request, requestId: job.id });
  let deleted = 0;
  let failures = 0;
  for (const { store, matches } of job.queries) {
    for (const row of [...store.rows()].filter(matches)) {
      const mark = transaction.mark();
      try {
        deleteExisting(context, store, row);
        deleted += 1;
      } catch (error) {
        if (!(error instanceof ODataError)) throw error;
        transaction.rollbackTo(mark);
        failures += 1;
      }
    }
  }
  return { ...(failures === 0 ? succeeded : failed), message: `${deleted} deleted, ${failures} failed` };
}

/** A QueryExpression in JSON: the table and its criteria; links are refused. */
function parseQuery(environment: Environment, json: unknown): Query {
  if (!isJsonObject(json)) throw payloadError('', 'An object was expected in QuerySet.');
  const name = typeof json['EntityName'] === 'string' ? json['EntityName'] : '';
  const store = environment.database.table(name);
  if (store === undefined) throw invalidRequest(`Could not find an entity with name '${name}'.`);
  if (Array.isArray(json['LinkEntities']) && json['LinkEntities'].length > 0) {
    throw new ODataError(501, errorCodes.notImplemented, "BulkDelete: 'LinkEntities' is not implemented.");
  }
  const { model } = store;
  const readerOf = (column: string) =>
    rowProperty(environment.database, model, model.columnsByName.get(column)?.property ?? column).read;
  return { store, matches: compileConditions<Row>(parseCriteria(json['Criteria']), readerOf) };
}

/** The names of a ConditionOperator that are not those of FetchXML in another spelling. */
const operators: Readonly<Record<string, string>> = {
  Equal: 'eq',
  NotEqual: 'ne',
  GreaterThan: 'gt',
  GreaterEqual: 'ge',
  LessThan: 'lt',
  LessEqual: 'le',
};

function parseCriteria(json: unknown): ConditionGroup {
  if (json === undefined || json === null) return { operator: 'and', conditions: [], groups: [] };
  if (!isJsonObject(json)) throw payloadError('', 'Criteria must be an object.');
  return {
    operator: String(json['FilterOperator']).toLowerCase() === 'or' ? 'or' : 'and',
    conditions: list(json['Conditions']).map((condition) => {
      const operator = String(condition['Operator']);
      return {
        column: String(condition['AttributeName']),
        operator: operators[operator] ?? operator.replace(/(?!^)([A-Z])/g, '-$1').toLowerCase(),
        values: (Array.isArray(condition['Values']) ? condition['Values'] : []).map((value: unknown) =>
          String(isJsonObject(value) ? value['Value'] : value),
        ),
      };
    }),
    groups: list(json['Filters']).map(parseCriteria),
  };
}

const list = (json: unknown): readonly JsonObject[] => (Array.isArray(json) ? json.filter(isJsonObject) : []);
