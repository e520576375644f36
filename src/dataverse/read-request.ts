import type { Client } from './client.ts';
import type { SendLog } from './send-log.ts';
import { BatchRejectedError, RequestRejectedError } from './errors.ts';
import type { DataverseError, ErrorFacts } from './errors.ts';
import type { Headers } from './headers.ts';
import type { Answer } from './send.ts';
import { readDeadlineMs } from './who-am-i.ts';

export interface ReadRequest<T> {
  /** Below the API root, encoded. */
  readonly path: string;
  readonly headers?: Headers | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly log?: SendLog | undefined;
  /** Throws `MalformedAnswerError` when the answer is not whole. */
  read(answer: Answer): T;
}

/** Sends a GET. No read is split or isolated: a refusal is for good, and comes as `RequestRejectedError`. */
export async function sendRead<T>(client: Client, request: ReadRequest<T>): Promise<T> {
  try {
    const sent = await client.send<T>({
      method: 'GET',
      path: request.path,
      ...(request.headers !== undefined && { headers: request.headers }),
      ...(request.log !== undefined && { log: request.log }),
      repeatable: true,
      deadlineAtMs: client.clock.now() + readDeadlineMs,
      signal: request.signal,
      read: (answer) => request.read(answer),
    });
    return sent.value;
  } catch (error) {
    if (error instanceof BatchRejectedError) throw new RequestRejectedError(error.message, factsOf(error));
    throw error;
  }
}

/** The facts of an error, for another one that takes its place. */
export function factsOf(error: DataverseError): ErrorFacts {
  const { httpStatus, serviceErrorCode, serviceRequestId, clientRequestId } = error;
  return { httpStatus, serviceErrorCode, serviceRequestId, clientRequestId, cause: error };
}
