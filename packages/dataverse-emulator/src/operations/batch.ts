import { callerOf } from '../auth/authenticate.ts';
import { errorCodes, ODataError } from '../errors.ts';
import type { Work } from '../latency/latency-model.ts';
import {
  formatBatch,
  parseBatch,
  type BatchOperation,
  type BatchPart,
  type BatchResult,
} from '../odata/batch-format.ts';
import { parsePreferences } from '../odata/preferences.ts';
import { parseResourcePath } from '../odata/resource-path.ts';
import { createGuid } from '../basics/guid.ts';
import type { Transaction } from '../store/database.ts';
import { errorResponse } from './error-response.ts';
import { noContent, type ApiRequest, type ApiResponse, type Environment, type Plan } from './operation.ts';
import { route } from './route.ts';

/** How a batch gets its work done: time passes between its parts, and each commits by itself. */
export interface BatchRunner {
  /** Lets the time of this much work pass. */
  spend(work: Work): Promise<void>;
  /** Runs in a transaction of its own; commits unless `run` throws. */
  transact(run: (transaction: Transaction) => ApiResponse): ApiResponse;
  /** What the n-th operation (1 is the first) is answered with in place of its work; `undefined`: it may run. */
  refusePart(operation: number): ApiResponse | undefined;
}

/** Runs a batch's parts in order. learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api */
export async function runBatch(
  environment: Environment,
  request: ApiRequest,
  runner: BatchRunner,
): Promise<ApiResponse> {
  const parts = parseBatch(request.body, request.headers['content-type']);
  assertSize(environment, parts);
  await runner.spend({ kind: 'batch', isWrite: false, rows: {} });
  const results: BatchResult[] = [];
  let outerStatus = 200;
  let before = 0;
  for (const part of parts) {
    const result = refused(runner, part, before) ?? (await runPart(environment, request, part, runner));
    before += operationsOf(part).length;
    results.push(result);
    const failed = failedStatus(result);
    if (failed === undefined || request.preferences.continueOnError) continue;
    outerStatus = failed;
    break;
  }
  const { body, contentType } = formatBatch(results, () => createGuid(environment.random));
  return { status: outerStatus, headers: { 'Content-Type': contentType }, body };
}

const operationsOf = (part: BatchPart): readonly BatchOperation[] =>
  part.kind === 'operation' ? [part.operation] : part.operations;

/** A change set of which one operation is refused fails as one whose operation fails. */
function refused(runner: BatchRunner, part: BatchPart, before: number): BatchResult | undefined {
  for (const [index, { contentId }] of operationsOf(part).entries()) {
    const response = runner.refusePart(before + index + 1);
    if (response === undefined) continue;
    return part.kind === 'operation'
      ? { kind: 'operation', response }
      : { kind: 'changeSet', responses: [{ contentId, response }] };
  }
  return undefined;
}

function assertSize(environment: Environment, parts: readonly BatchPart[]): void {
  const { maxBatchOperations } = environment.settings();
  const size = parts.reduce((sum, part) => sum + operationsOf(part).length, 0);
  if (size > maxBatchOperations) {
    throw new ODataError(
      400,
      errorCodes.payload,
      `The number of operations in the batch exceeds the maximum of ${maxBatchOperations}.`,
    );
  }
}

function failedStatus(result: BatchResult): number | undefined {
  const responses = result.kind === 'operation' ? [result.response] : result.responses.map(({ response }) => response);
  return responses.find(({ status }) => status >= 400)?.status;
}

async function runPart(
  environment: Environment,
  outer: ApiRequest,
  part: BatchPart,
  runner: BatchRunner,
): Promise<BatchResult> {
  if (part.kind === 'changeSet') return runChangeSet(environment, outer, part.operations, runner);
  return { kind: 'operation', response: await runOperation(environment, outer, part.operation, runner) };
}

async function runOperation(
  environment: Environment,
  outer: ApiRequest,
  operation: BatchOperation,
  runner: BatchRunner,
): Promise<ApiResponse> {
  const preferences = parsePreferences(operation.headers['prefer']);
  try {
    const plan = planOperation(environment, outer, operation);
    await runner.spend(insideBatch(plan.work));
    return runner.transact((transaction) => plan.execute(transaction));
  } catch (error) {
    return failure(error, outer, preferences.annotations === undefined ? outer.preferences : preferences);
  }
}

function failure(error: unknown, outer: ApiRequest, preferences: ApiRequest['preferences']): ApiResponse {
  if (!(error instanceof ODataError)) throw error;
  const response = errorResponse(error, preferences);
  return { ...response, headers: { REQ_ID: outer.requestId, ...response.headers } };
}

function insideBatch(work: Work): Work {
  return { ...work, kind: 'batchOperation' };
}

function planOperation(environment: Environment, outer: ApiRequest, operation: BatchOperation): Plan {
  const { method, url, headers, body } = operation;
  const path = parseResourcePath(url, 'batch');
  if (path.segments[0]?.name === '$batch')
    throw new ODataError(400, errorCodes.payload, 'A batch cannot contain a batch.');
  const inherited = { ...inheritedHeaders(outer), ...headers };
  const tag = outer.path.query.get('tag');
  return route(environment, {
    ...outer,
    caller: callerOf(environment, outer.caller.user, inherited),
    method,
    path:
      tag === undefined || path.query.has('tag') ? path : { ...path, query: new Map([...path.query, ['tag', tag]]) },
    headers: inherited,
    preferences: parsePreferences(headers['prefer']),
    body,
  });
}

/** What the outer request says about custom logic, duplicates and impersonation holds for every operation that says nothing. */
function inheritedHeaders({ headers }: ApiRequest): Readonly<Record<string, string>> {
  const names = Object.keys(headers).filter((name) => name.startsWith('mscrm') || name === 'callerobjectid');
  return Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}

/**
 * All or nothing; a failure gives one part with the `Content-ID` of the operation that failed. On elastic tables, which have no
 * transactions, what went before the failure stays.
 */
async function runChangeSet(
  environment: Environment,
  outer: ApiRequest,
  operations: readonly BatchOperation[],
  runner: BatchRunner,
): Promise<BatchResult> {
  let current: BatchOperation | undefined;
  const responses: { contentId: string | undefined; response: ApiResponse }[] = [];
  const uris = new Map<string, string>();
  const runOne = (transaction: Transaction, operation: BatchOperation): void => {
    const response = planOperation(environment, outer, resolveContentIds(operation, uris)).execute(transaction);
    const uri = response.headers['OData-EntityId'];
    if (operation.contentId !== undefined && uri !== undefined) uris.set(operation.contentId, uri);
    responses.push({ contentId: operation.contentId, response });
  };
  try {
    for (const operation of operations) {
      current = operation;
      await runner.spend(insideBatch(workOf(environment, outer, operation)));
    }
    if (operations.every((operation) => isElastic(environment, operation))) {
      for (const operation of operations) {
        current = operation;
        runner.transact((transaction) => {
          runOne(transaction, operation);
          return noContent;
        });
      }
      return { kind: 'changeSet', responses };
    }
    runner.transact((transaction) => {
      for (const operation of operations) {
        current = operation;
        runOne(transaction, operation);
      }
      return noContent;
    });
    return { kind: 'changeSet', responses };
  } catch (error) {
    const response = failure(error, outer, outer.preferences);
    return { kind: 'changeSet', responses: [{ contentId: current?.contentId, response }] };
  }
}

function isElastic(environment: Environment, { url }: BatchOperation): boolean {
  if (url.startsWith('$')) return false;
  const set = parseResourcePath(url, 'batch').segments[0]?.name ?? '';
  return environment.database.tableBySet(set)?.model.isElastic === true;
}

/** Work of an operation whose URL may still hold a reference to an earlier one. */
function workOf(environment: Environment, outer: ApiRequest, operation: BatchOperation): Work {
  if (operation.url.startsWith('$')) return { kind: 'single', isWrite: true, rows: { update: 1 } };
  return planOperation(environment, outer, operation).work;
}

/** Replaces `$n` by the URI of the row that the operation with that Content-ID wrote, in the URL and in references of the body. */
function resolveContentIds(operation: BatchOperation, uris: ReadonlyMap<string, string>): BatchOperation {
  const uriOf = (id: string): string => {
    const uri = uris.get(id);
    if (uri !== undefined) return uri;
    throw new ODataError(
      400,
      errorCodes.payload,
      `Content-ID Reference: '$${id}' does not exist in the batch context.`,
    );
  };
  const inUrl = /^\$(\w+)/.exec(operation.url)?.[1];
  const url = inUrl === undefined ? operation.url : uriOf(inUrl) + operation.url.slice(inUrl.length + 1);
  const body = operation.body.replace(
    /("(?:[^"\\]*@odata\.bind|@odata\.id)"\s*:\s*")\/?\$(\w+)/g,
    (_, before: string, id: string) => before + uriOf(id),
  );
  return { ...operation, url, body };
}
