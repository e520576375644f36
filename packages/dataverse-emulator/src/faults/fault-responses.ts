import { errorCodes, ODataError } from '../errors.ts';
import type { ApiResponse } from '../operations/operation.ts';
import type { FaultKind, FaultRule } from './fault-rules.ts';

const sqlError = (number: number, text: string): string =>
  `Generic SQL error. CRM ErrorCode: -2147204784 Sql ErrorCode: -2146232060 Sql Number: ${number} ${text}`;

const errors: Partial<Record<FaultKind, () => ODataError>> = {
  deadlock: () =>
    new ODataError(
      400,
      errorCodes.genericSql,
      sqlError(
        1205,
        'Transaction was deadlocked on lock resources with another process and has been chosen as the deadlock victim.',
      ),
    ),
  sqlTimeout: () =>
    new ODataError(
      400,
      errorCodes.sqlTimeout,
      'SQL timeout expired. CRM ErrorCode: -2147204783 Sql ErrorCode: -2146232060 Sql Number: -2',
    ),
  transactionAborted: () =>
    new ODataError(400, '0x80040255', 'There is an open transaction that has already been rolled back or committed.'),
  noTransaction: () => new ODataError(400, '0x80040251', 'There is no active transaction.'),
  unexpected: () => new ODataError(500, errorCodes.unexpected, 'An unexpected error occurred.'),
  sandboxUnavailable: () => new ODataError(500, '0x8004418D', 'The sandbox worker process is not available.'),
  upsertRace: () =>
    new ODataError(412, errorCodes.duplicateRecord, 'A record with matching key values already exists.'),
};

/** The error a rule stands for, thrown in place of the work. `undefined` for rules of another kind. */
export function faultError({ kind, status, code, text }: FaultRule): ODataError | undefined {
  if (kind === 'error')
    return new ODataError(status ?? 500, code ?? errorCodes.unexpected, text ?? 'An unexpected error occurred.');
  return errors[kind]?.();
}

/** What a gateway in front of the service sends: HTML and nothing of the Web API. */
export function htmlError({ status = 503, retryAfterSeconds, text }: FaultRule): ApiResponse {
  const title = text ?? 'The service is unavailable.';
  return {
    status,
    headers: {
      'Content-Type': 'text/html; charset=us-ascii',
      ...(typeof retryAfterSeconds === 'number' && { 'Retry-After': String(retryAfterSeconds) }),
    },
    body: `<!DOCTYPE HTML><HTML><HEAD><TITLE>${title}</TITLE></HEAD><BODY><h2>${title}</h2><hr><p>HTTP Error ${status}.</p></BODY></HTML>\r\n`,
  };
}
