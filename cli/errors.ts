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

/** What `parseArgs` of Node says of an option, without its advice on arguments that begin with a dash. */
export function optionFault(error: unknown): string {
  return messageOf(error).replace(/\. To specify a positional argument [^]*$/, '.');
}

/** Why a file that was named cannot be read. */
export function fileFault(file: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return `${file} does not exist.`;
  if (code === 'EISDIR') return `${file} is a folder; a file is wanted.`;
  return `${file} cannot be read: ${messageOf(error)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
