import type { Headers } from './headers.ts';
import type { SendLog } from './send-log.ts';
import type { Answer, HttpRequest } from './send.ts';
import type { ServerPin } from './server-pin.ts';
import type { ToldWait } from './throttle-gate.ts';

export interface ClientRequest<T> {
  readonly method: HttpRequest['method'];
  /** Below the API root, encoded: `accounts/Microsoft.Dynamics.CRM.CreateMultiple?tag=x`. */
  readonly path: string;
  readonly headers?: Headers;
  readonly body?: Buffer;
  /** Effects converge when the request is sent again; without it only what surely was not processed is repeated. */
  readonly repeatable: boolean;
  /** No wait (throttle, back-off) may end later than this, on the client's clock. */
  readonly deadlineAtMs: number;
  /** Ends waits, and lets nothing further out. A request on its way is heard to its end: else nobody knew what it did. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: SendLog;
  /**
   * Reads a 2xx or multipart answer. Throws `MalformedAnswerError` when it is not complete, which makes the request one
   * without an answer. Hands waits that it finds inside the answer to `throttled`, which returns how long they are in milliseconds.
   */
  read(answer: Answer, throttled: (told: ToldWait) => number): T;
  /** Called with every whole answer, whatever it says. */
  heard?(answer: Answer): void;
  /** Number of the identity that has to send it, from 0; absent: whoever may send first. */
  readonly sender?: number;
  /** Keeps the request on a server; absent: any server, and no cookie is sent. */
  readonly pin?: ServerPin;
}

export interface Sent<T> {
  readonly value: T;
  /** Sends that used up an attempt; throttled ones and one with a refused token do not. */
  readonly attempts: number;
  /** An attempt before the answered one may have taken effect. */
  readonly maybeCommittedBefore: boolean;
  /** From the last send to its answer. */
  readonly ms: number;
}
