import type { Fault } from '../src/plan/fault.ts';

/** The command line itself, or a file it names, is wrong. */
export class UsageError extends Error {
  readonly kind = 'usage';
}

/** Nothing answered at the service's URL within the client's patience. */
export class UnreachableError extends Error {
  readonly kind = 'unreachable';
}

/** The service answered, and refused. */
export class RefusedError extends Error {
  readonly kind = 'refused';
  readonly httpStatus: number;
  readonly faults: readonly Fault[];

  constructor(message: string, httpStatus: number, faults: readonly Fault[]) {
    super(message);
    this.httpStatus = httpStatus;
    this.faults = faults;
  }
}
