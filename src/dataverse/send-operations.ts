import { apiRoot } from './api-root.ts';
import type { Sent } from './client-request.ts';
import type { ServiceFault } from './error-table.ts';
import { BatchRejectedError, faultOfError, RequestRejectedError } from './errors.ts';
import { halvesOf } from './halves.ts';
import { jsonContent, optionHeaders } from './headers.ts';
import type { Headers } from './headers.ts';
import { buildBatchBody } from './odata-batch.ts';
import type { BatchOperation } from './odata-batch.ts';
import { readJsonObject } from './read-json.ts';
import { factsOf } from './read-request.ts';
import { countPlaced, parseBatchAnswer } from './odata-batch-answer.ts';
import type { BatchPart } from './odata-batch-answer.ts';
import type { TableCall } from './pending-row.ts';
import { readFault } from './read-error.ts';
import { asksForPauses, readRetryAfter } from './retry-after.ts';
import type { Answer } from './send.ts';
import { noteSession, sessionTokenHeader } from './session.ts';
import type { ToldWait } from './throttle-gate.ts';

/** What one operation came to. */
export type PartResult =
  { readonly ok: true; readonly body: string } | { readonly ok: false; readonly fault: ServiceFault };

export interface SentOperation extends BatchOperation {
  /** Throws `MalformedAnswerError` for a success that cannot be that of this operation, which makes the request one without an answer. */
  check(answer: Pick<Answer, 'header' | 'body'>): void;
}

/** One result for each operation, in their order; undefined where none is known and it has to be sent again. */
export type OperationResults = readonly (PartResult | undefined)[];

/**
 * Sends operations that succeed or fail each for itself: one as a request of its own, more in a batch with continue-on-error. Throws what
 * `Client.send` throws; what is refused in a request of its own is a result.
 */
export async function sendOperations(
  call: TableCall,
  operations: readonly SentOperation[],
): Promise<Sent<OperationResults>> {
  const [first] = operations;
  if (first !== undefined && operations.length === 1) return sendAlone(call, first);
  const { value, ...sent } = await sendBatch(call, operations);
  if (value === 'unplaced') return sendHalves(call, operations);
  const isStopped = value.length < operations.length;
  return {
    ...sent,
    value: operations.map((_, index) => value[index]),
    maybeCommittedBefore: sent.maybeCommittedBefore || isStopped,
  };
}

async function sendAlone(call: TableCall, operation: SentOperation): Promise<Sent<OperationResults>> {
  const { method, path, body } = operation;
  try {
    const sent = await call.client.send<PartResult>({
      method,
      path: path.slice(apiRoot.length),
      headers: {
        ...lowerCase(optionHeaders(call.options)),
        ...(body === undefined ? {} : jsonContent),
        ...lowerCase(operation.headers),
      },
      ...(body !== undefined && { body: Buffer.from(body, 'latin1') }),
      repeatable: true,
      deadlineAtMs: call.deadlineAtMs,
      signal: call.signal,
      log: call.log,
      heard: (answer) => noteSession(call, answer.header(sessionTokenHeader)),
      read(answer) {
        // Only an answer that says so has no body; else a cut connection leaves the same.
        if (answer.status !== 204) readJsonObject(answer.body);
        operation.check(answer);
        return { ok: true, body: answer.body };
      },
    });
    return { ...sent, value: [sent.value] };
  } catch (error) {
    const fault = refusalIn(error);
    if (fault === undefined) throw error;
    const maybeCommittedBefore = error instanceof BatchRejectedError && error.maybeCommittedBefore;
    return { value: [{ ok: false, fault }], attempts: 1, maybeCommittedBefore, ms: 0 };
  }
}

/** What is denied is so for all rows or for one of them: the caller knows. Without a token nothing was looked at. */
function refusalIn(error: unknown): ServiceFault | undefined {
  if (error instanceof BatchRejectedError) return error.fault;
  if (!(error instanceof RequestRejectedError) || error.httpStatus === undefined || error.httpStatus === 401)
    return undefined;
  return faultOfError(error, 'run', error.httpStatus);
}

/** So that those of an operation take the place of those of every request. */
function lowerCase(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/**
 * A service that stops at the first error though it was asked to go on. Where it tells of that error alone, or of more than one, nobody knows
 * whose they are: the operations may be done or not. Smaller pieces tell.
 */
async function sendHalves(call: TableCall, operations: readonly SentOperation[]): Promise<Sent<OperationResults>> {
  const halves = halvesOf(operations);
  try {
    const first = await sendOperations(call, halves[0]);
    const second = await sendOperations(call, halves[1]);
    const value = [...first.value, ...second.value];
    return { value, attempts: second.attempts, maybeCommittedBefore: true, ms: first.ms + second.ms };
  } catch (error) {
    if (!(error instanceof BatchRejectedError)) throw error;
    throw new BatchRejectedError(error.fault, { ...factsOf(error), maybeCommittedBefore: true });
  }
}

function sendBatch(
  call: TableCall,
  operations: readonly SentOperation[],
): Promise<Sent<readonly PartResult[] | 'unplaced'>> {
  const { body, contentType } = buildBatchBody(operations);
  return call.client.send({
    method: 'POST',
    path: '$batch',
    headers: { ...optionHeaders(call.options), 'content-type': contentType, prefer: 'odata.continue-on-error' },
    body,
    repeatable: true,
    deadlineAtMs: call.deadlineAtMs,
    signal: call.signal,
    log: call.log,
    heard: (answer) => noteSession(call, answer.header(sessionTokenHeader)),
    read(answer, throttled) {
      const { status } = answer;
      const parts = parseBatchAnswer(
        { status, contentType: answer.header('content-type'), body: answer.body },
        operations.length,
      );
      const placed = parts.slice(0, countPlaced(status, parts, operations.length));
      for (const [index, part] of placed.entries()) checkPart(operations[index], part);
      const results = readParts(call, parts, { answer, throttled }).slice(0, placed.length);
      return placed.length === 0 ? 'unplaced' : results;
    },
  });
}

function checkPart(operation: SentOperation | undefined, { status, headers, body }: BatchPart): void {
  if (status < 300) operation?.check({ header: (name) => headers.get(name), body });
}

interface Outer {
  readonly answer: Answer;
  readonly throttled: (told: ToldWait) => number;
}

function readParts(call: TableCall, parts: readonly BatchPart[], outer: Outer): PartResult[] {
  const outerRequestId = outer.answer.header('x-ms-service-request-id');
  const results = parts.map((part): PartResult => {
    noteSession(call, part.headers.get(sessionTokenHeader));
    if (part.status < 300) return { ok: true, body: part.body };
    const serviceRequestId =
      part.headers.get('x-ms-service-request-id') ?? part.headers.get('req_id') ?? outerRequestId;
    return { ok: false, fault: readFault({ httpStatus: part.status, body: part.body, serviceRequestId }) };
  });
  closeGate(call, parts, results, outer);
  return results;
}

/** However many parts say so, it is one event; the longest wait counts. */
function closeGate(
  call: TableCall,
  parts: readonly BatchPart[],
  results: readonly PartResult[],
  { answer, throttled }: Outer,
): void {
  const nowMs = call.client.clock.now();
  const date = answer.header('date');
  const ofBatch = readRetryAfter({ retryAfter: answer.headerList('retry-after'), date, nowMs });
  const told = parts.map((part) => readRetryAfter({ retryAfter: part.headers.get('retry-after'), date, nowMs }));
  const faults = results.flatMap((result) => (!result.ok && result.fault.class === 'throttled' ? [result.fault] : []));
  const asked = [
    { status: answer.status, told: ofBatch },
    ...parts.map(({ status }, at) => ({ status, told: told[at] })),
  ]
    .filter(({ status }) => asksForPauses(status))
    .map((one) => one.told);
  const isThrottled = faults.length > 0 || answer.status === 429;
  const waits = [...asked, ...(isThrottled ? [ofBatch] : [])].filter((wait) => wait !== undefined);
  if (waits.length === 0 && !isThrottled) return;
  const facet = faults.find((fault) => fault.facet !== 'other')?.facet ?? 'other';
  const retryAfterMs = throttled({ facet, retryAfterMs: waits.length === 0 ? undefined : Math.max(...waits) });
  if (isThrottled) call.log.throttles.push({ facet, retryAfterMs });
}
