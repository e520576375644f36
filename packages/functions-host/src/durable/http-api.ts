import { jsonAnswer } from '../http/answer.ts';
import type { Answer } from '../http/answer.ts';
import { isObject, tryParse } from '../json.ts';
import { isFinished } from '../store/rows.ts';
import type { InstanceRow, RuntimeStatus } from '../store/rows.ts';
import { entityRoutes } from './entity-api.ts';
import type { DurableEngine } from './engine.ts';
import { managementUrls } from './management-urls.ts';
import type { UrlOptions } from './management-urls.ts';
import { DurableOperations, OperationError } from './operations.ts';
import type { Delivery } from './operations.ts';
import { historyDocument, statusDocument } from './status.ts';

/** One call of the Durable HTTP API, its path relative to the API's base. */
export interface ApiCall {
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly continuationToken: string | undefined;
  readonly body: string;
  readonly urls: UrlOptions;
}

/**
 * The HTTP API of Durable Functions (learn.microsoft.com/azure/azure-functions/durable/durable-functions-http-api), as the unmodified
 * DurableClient and other clients call it.
 */
export class DurableHttpApi {
  readonly #engine: DurableEngine;
  readonly #operations: DurableOperations;

  constructor(engine: DurableEngine) {
    this.#engine = engine;
    this.#operations = new DurableOperations(engine);
  }

  async handle(call: ApiCall): Promise<Answer> {
    try {
      return await this.#route(call);
    } catch (error) {
      if (error instanceof OperationError) return errorAnswer(error.httpStatus, error.message);
      throw error;
    }
  }

  async #route(call: ApiCall): Promise<Answer> {
    const [collection, first, second, third] = call.segments;
    if (collection === 'orchestrators' && first !== undefined && call.method === 'POST')
      return await this.#start(call, first, second);
    if (collection === 'instances') {
      if (first === undefined) return await this.#collection(call);
      if (second === undefined) return this.#instance(call, first);
      if (call.method === 'POST') return this.#command(call, { id: first, command: second, argument: third });
    }
    if (collection === 'entities') return entityRoutes(this.#engine, this.#operations, call);
    return { status: 404 };
  }

  async #start(call: ApiCall, name: string, id: string | undefined): Promise<Answer> {
    const input = jsonBody(call.body);
    const started = this.#operations.start({ name, id, input, version: call.query.get('version') ?? undefined });
    const timeoutS = Number(call.query.get('timeout') ?? Number.NaN);
    const intervalS = Number(call.query.get('pollingInterval') ?? Number.NaN);
    if (Number.isFinite(timeoutS) && Number.isFinite(intervalS))
      return await this.#waitFor(call, started, { timeoutS, intervalS });
    return this.#accepted(call, started, '10');
  }

  async #waitFor(call: ApiCall, id: string, wait: { timeoutS: number; intervalS: number }): Promise<Answer> {
    const deadline = performance.now() + wait.timeoutS * 1000;
    for (;;) {
      const row = this.#operations.instance(id);
      if (row?.status === 'Completed')
        return { status: 200, headers: { 'content-type': 'application/json' }, body: row.output ?? 'null' };
      if (row && isFinished(row.status))
        return jsonAnswer(row.status === 'Failed' ? 500 : 200, statusDocument(row, { showInput: true }));
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return this.#accepted(call, id, '10');
      await new Promise((resolve) => setTimeout(resolve, Math.min(leftMs, wait.intervalS * 1000)));
    }
  }

  #accepted(call: ApiCall, id: string, retryAfter: string): Answer {
    const links = managementUrls(call.urls, id);
    return jsonAnswer(202, links, { location: links['statusQueryGetUri'] ?? '', 'retry-after': retryAfter });
  }

  async #collection(call: ApiCall): Promise<Answer> {
    if (call.method === 'GET') return this.#list(call);
    if (call.method !== 'DELETE') return { status: 404 };
    const createdFrom = timeParameter(call.query, 'createdTimeFrom');
    if (createdFrom === undefined) throw new OperationError(400, 'Please provide value for createdTimeFrom parameter.');
    const instancesDeleted = await this.#operations.purgeFinished({
      createdFrom,
      createdTo: timeParameter(call.query, 'createdTimeTo'),
      statuses: statusesOf(call.query),
    });
    return instancesDeleted > 0 ? jsonAnswer(200, { instancesDeleted }) : { status: 404 };
  }

  #list(call: ApiCall): Answer {
    const limit = Math.max(1, Number(call.query.get('top') ?? defaultPageSize) || defaultPageSize);
    const rows = this.#operations.instances({
      createdFrom: timeParameter(call.query, 'createdTimeFrom'),
      createdTo: timeParameter(call.query, 'createdTimeTo'),
      statuses: statusesOf(call.query),
      idPrefix: call.query.get('instanceIdPrefix') ?? undefined,
      after: readToken(call.continuationToken),
      limit,
    });
    const last = rows.length === limit ? rows.at(-1) : undefined;
    const showInput = flag(call.query, 'showInput', true);
    return jsonAnswer(
      200,
      rows.map((row) => statusDocument(row, { showInput })),
      { 'x-ms-continuation-token': last ? writeToken(last) : '' },
    );
  }

  #instance(call: ApiCall, id: string): Answer {
    if (call.method === 'DELETE') {
      return this.#operations.purge(id) ? jsonAnswer(200, { instancesDeleted: 1 }) : { status: 404 };
    }
    if (call.method !== 'GET') return { status: 404 };
    const row = this.#operations.instance(id);
    if (!row) return { status: 404 };
    const showInput = flag(call.query, 'showInput', true);
    const document = statusDocument(row, { showInput });
    if (flag(call.query, 'showHistory', false)) {
      document['historyEvents'] = historyDocument(this.#operations.history(id), {
        showInput,
        showOutput: flag(call.query, 'showHistoryOutput', false),
      });
    }
    if (!isFinished(row.status)) {
      return jsonAnswer(202, document, {
        location: managementUrls(call.urls, id)['statusQueryGetUri'] ?? '',
        'retry-after': '5',
      });
    }
    const asError = row.status === 'Failed' && flag(call.query, 'returnInternalServerErrorOnFailure', false);
    return jsonAnswer(asError ? 500 : 200, document);
  }

  #command(
    call: ApiCall,
    { id, command, argument }: { id: string; command: string; argument: string | undefined },
  ): Answer {
    const reason = call.query.get('reason') ?? '';
    switch (command.toLowerCase()) {
      case 'raiseevent':
        return this.#raiseEvent(call, id, argument);
      case 'terminate':
        return deliveryAnswer(this.#operations.terminate(id, reason));
      case 'suspend':
        return deliveryAnswer(this.#operations.suspend(id, reason));
      case 'resume':
        return deliveryAnswer(this.#operations.resume(id, reason));
      case 'restart':
        return this.#accepted(
          call,
          this.#operations.restart(id, flag(call.query, 'restartWithNewInstanceId', true)),
          '10',
        );
      case 'rewind':
        return deliveryAnswer(this.#operations.rewind(id, reason));
      default:
        return { status: 404 };
    }
  }

  #raiseEvent(call: ApiCall, id: string, name: string | undefined): Answer {
    if (name === undefined) return { status: 404 };
    if (!call.contentType.toLowerCase().startsWith('application/json')) {
      return errorAnswer(400, 'Only application/json request content is supported');
    }
    return deliveryAnswer(this.#operations.raiseEvent(id, name, jsonBody(call.body)));
  }
}

const defaultPageSize = 100;

function deliveryAnswer(delivery: Delivery): Answer {
  return { status: { accepted: 202, finished: 410, unknown: 404 }[delivery] };
}

/** The error document of the Durable HTTP API. */
export function errorAnswer(status: number, message: string): Answer {
  return jsonAnswer(status, {
    Message: message,
    ExceptionMessage: message,
    ExceptionType: 'System.InvalidOperationException',
    StackTrace: '',
  });
}

/** The body as JSON text; null if it is empty. Throws OperationError 400. */
export function jsonBody(body: string): string | null {
  if (body.trim() === '') return null;
  if (tryParse(body) === undefined) throw new OperationError(400, 'The request body is not valid JSON.');
  return body;
}

export function flag(query: URLSearchParams, name: string, fallback: boolean): boolean {
  const value = query.get(name);
  return value === null ? fallback : value.toLowerCase() === 'true';
}

/** Milliseconds of a time in the query. Throws OperationError 400. */
export function timeParameter(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  const time = Date.parse(value);
  if (Number.isNaN(time)) throw new OperationError(400, `${name} is not a time: ${value}`);
  return time;
}

const knownStatuses: readonly RuntimeStatus[] = [
  'Pending',
  'Running',
  'Suspended',
  'Completed',
  'ContinuedAsNew',
  'Failed',
  'Canceled',
  'Terminated',
];

function statusesOf(query: URLSearchParams): readonly RuntimeStatus[] | undefined {
  const wanted = query
    .getAll('runtimeStatus')
    .flatMap((value) => value.split(','))
    .filter((value) => value !== '');
  const known = wanted.flatMap((value) =>
    knownStatuses.filter((status) => status.toLowerCase() === value.trim().toLowerCase()),
  );
  if (known.length < wanted.length) throw new OperationError(400, `runtimeStatus knows ${knownStatuses.join(', ')}.`);
  return known.length > 0 ? known : undefined;
}

function writeToken(last: InstanceRow): string {
  return Buffer.from(JSON.stringify({ createdAt: last.createdAt, id: last.id })).toString('base64url');
}

function readToken(token: string | undefined): { createdAt: number; id: string } | undefined {
  if (!token) return undefined;
  const value = tryParse(Buffer.from(token, 'base64url').toString());
  if (!isObject(value) || typeof value['createdAt'] !== 'number' || typeof value['id'] !== 'string') {
    throw new OperationError(400, 'The continuation token is not one of this host.');
  }
  return { createdAt: value['createdAt'], id: value['id'] };
}
