import type { ThrottleFacet } from '../plan/lane.ts';
import type { FaultClass, ServiceFault } from './error-table.ts';

export type { ThrottleFacet };

export type DataverseErrorKind =
  | 'throttled'
  | 'transient'
  | 'unsettled'
  | 'batchRejected'
  | 'requestRejected'
  | 'unknownTable'
  | 'deltaExpired'
  | 'malformedAnswer';

/** What is known of the answer behind an error; absent where there was none. */
export interface ErrorFacts {
  readonly httpStatus?: number | undefined;
  /** `0x` and eight lower-case hex digits. */
  readonly serviceErrorCode?: string | undefined;
  readonly serviceRequestId?: string | undefined;
  readonly clientRequestId?: string | undefined;
  readonly cause?: unknown;
}

/** Decide on `kind`, never on the class or the text: neither survives the JSON of an orchestration's history. */
export abstract class DataverseError extends Error {
  abstract readonly kind: DataverseErrorKind;
  readonly httpStatus: number | undefined;
  readonly serviceErrorCode: string | undefined;
  readonly serviceRequestId: string | undefined;
  readonly clientRequestId: string | undefined;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.httpStatus = facts.httpStatus;
    this.serviceErrorCode = facts.serviceErrorCode;
    this.serviceRequestId = facts.serviceRequestId;
    this.clientRequestId = facts.clientRequestId;
  }
}

/** The identity has to wait longer than the caller can: nothing may be sent under it for `retryAfterMs`. */
export class ThrottledError extends DataverseError {
  readonly kind = 'throttled';
  readonly facet: ThrottleFacet;
  readonly retryAfterMs: number;

  constructor(facts: ErrorFacts & { readonly facet: ThrottleFacet; readonly retryAfterMs: number }) {
    super(`Service protection limit (${facts.facet}): nothing may be sent for ${facts.retryAfterMs} ms.`, facts);
    this.facet = facts.facet;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** No complete answer, after the attempts that were allowed. */
export class TransientError extends DataverseError {
  readonly kind = 'transient';
  /** At least one attempt may have taken effect, or may still take effect. */
  readonly maybeCommitted: boolean;
  /** All attempts were made; false when the deadline or the caller cut them short. */
  readonly exhausted: boolean;

  constructor(message: string, facts: ErrorFacts & { readonly maybeCommitted: boolean; readonly exhausted?: boolean }) {
    super(message, facts);
    this.maybeCommitted = facts.maybeCommitted;
    this.exhausted = facts.exhausted ?? false;
  }
}

/**
 * Rows were refused, and something that was sent of them before may still take effect: nobody can tell what becomes of them within `waitMs`,
 * which is too long to sit it out.
 */
export class UnsettledError extends DataverseError {
  readonly kind = 'unsettled';
  readonly waitMs: number;

  constructor(message: string, facts: ErrorFacts & { readonly waitMs: number }) {
    super(message, facts);
    this.waitMs = facts.waitMs;
  }
}

/** The request was refused and rolled back for the sake of its rows, its size or a lock; other requests may well succeed. */
export class BatchRejectedError extends DataverseError {
  readonly kind = 'batchRejected';
  readonly fault: ServiceFault;
  /** An earlier attempt of the same request may have taken effect. */
  readonly maybeCommittedBefore: boolean;

  constructor(fault: ServiceFault, facts: ErrorFacts & { readonly maybeCommittedBefore: boolean }) {
    super(fault.message, facts);
    this.fault = fault;
    this.maybeCommittedBefore = facts.maybeCommittedBefore;
  }
}

/** Nothing of this kind will be accepted: credentials, privileges, a table or column that is not there. Ends the run. */
export class RequestRejectedError extends DataverseError {
  readonly kind = 'requestRejected';
}

/** The environment has no table of this name, or does not show it to this identity. */
export class UnknownTableError extends DataverseError {
  readonly kind = 'unknownTable';
}

/** Too much time has passed since the last reading of changes: all rows have to be read again. */
export class DeltaExpiredError extends DataverseError {
  readonly kind = 'deltaExpired';
}

/** An answer that does not say what it must; the client takes it for no answer at all. */
export class MalformedAnswerError extends DataverseError {
  readonly kind = 'malformedAnswer';
}

/** What a refusal says, as the facts of an error. */
export function factsOfFault({ httpStatus, code, serviceRequestId }: ServiceFault): ErrorFacts {
  return { httpStatus, serviceErrorCode: code, serviceRequestId };
}

/** And the other way round: the refusal behind an error. */
export function faultOfError(error: DataverseError, faultClass: FaultClass, httpStatus: number): ServiceFault {
  const { serviceErrorCode, serviceRequestId, message } = error;
  return {
    class: faultClass,
    httpStatus,
    message,
    ...(serviceErrorCode !== undefined && { code: serviceErrorCode }),
    ...(serviceRequestId !== undefined && { serviceRequestId }),
  };
}
