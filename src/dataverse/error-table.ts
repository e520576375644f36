import type { ThrottleFacet } from './errors.ts';

/**
 * What follows from a refused request or batch part:
 * - `throttled`: wait as told, all of the identity.
 * - `token`: the access token was refused.
 * - `transient`: no decision; may have taken effect.
 * - `busy`: rolled back for a lock, a starting sandbox or the like; the same again may succeed.
 * - `tooLarge`: rolled back for its size or duration; less of it may succeed.
 * - `duplicate`: a row with this key is there.
 * - `absent`: no row with this key is there.
 * - `unsupported`: the table has no such message.
 * - `row`: this row will never be accepted.
 * - `run`: no row will be accepted.
 */
export type FaultClass =
  'throttled' | 'token' | 'transient' | 'busy' | 'tooLarge' | 'duplicate' | 'absent' | 'unsupported' | 'row' | 'run';

/** A refusal as the service put it, and what it means. */
export interface ServiceFault {
  readonly class: FaultClass;
  readonly httpStatus: number;
  /** `0x` and eight lower-case hex digits; absent where the service gave none. */
  readonly code?: string;
  readonly message: string;
  /** Present when throttled. */
  readonly facet?: ThrottleFacet;
  readonly serviceRequestId?: string;
  /** Per-row statuses of a bulk message on an elastic table, never empty; rows that are not listed succeeded. */
  readonly items?: readonly FaultItem[];
}

export interface FaultItem {
  /** Position in the request, from 0. */
  readonly index: number;
  readonly httpStatus: number;
}

const facets: Readonly<Record<string, ThrottleFacet>> = {
  '0x80072322': 'requests',
  '0x80072321': 'executionTime',
  '0x80072326': 'concurrency',
  '0x80072324': 'concurrency',
  '0x8005f103': 'other',
  '0x80048544': 'other',
};

/**
 * By code (learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes). What a code asks for is
 * our reading: permanent, or worth repeating.
 */
const classByCode: Readonly<Record<string, FaultClass>> = {
  '0x8004a100': 'token', // InvalidAuthTicket
  '0x8004a101': 'token', // ExpiredAuthTicket
  '0x8004a102': 'token', // BadAuthTicket

  '0x80040255': 'busy', // transaction aborted by something inside
  '0x80040251': 'busy', // no active transaction
  '0x80071154': 'busy', // ConcurrentOperationFailure
  '0x80048105': 'busy', // more than one concurrent ...
  '0x8004418d': 'busy', // sandbox worker not available
  '0x80081116': 'busy', // sandbox worker throttled
  '0x80040224': 'busy', // IsvUnExpected: a plug-in crashed
  '0x80040216': 'busy', // "An unexpected error occurred."

  '0x80044151': 'tooLarge', // SQL timeout
  '0x80044171': 'tooLarge', // sandbox timeouts
  '0x80044172': 'tooLarge',
  '0x80044173': 'tooLarge',
  '0x80081111': 'tooLarge',
  '0x8004418a': 'tooLarge', // RequestLengthTooLarge

  '0x80040237': 'duplicate', // DuplicateRecord
  '0x80060892': 'duplicate', // DuplicateRecordEntityKey

  '0x80040217': 'absent', // ObjectDoesNotExist

  '0x80044180': 'unsupported', // message not supported
  '0x80040219': 'unsupported', // not implemented
  '0x80040315': 'unsupported', // not supported

  '0x80060891': 'row', // RecordNotFoundByEntityKey: also a lookup whose target is missing
  '0x80040333': 'row', // DuplicateRecordsFound by a detection rule
  '0x80073002': 'row', // unique index or constraint
  '0x8006089d': 'row', // several rows match the key
  '0x80060882': 'row', // row version
  '0x80060883': 'row',
  '0x8006088d': 'row',
  '0x80048306': 'row', // no access right on this row
  '0x80048405': 'row', // AccessDenied
  '0x80044331': 'row', // text too long
  '0x8004432f': 'row', // out of range
  '0x80044330': 'row',
  '0x80061004': 'row',
  '0x8004431a': 'row', // not an option
  '0x8004431c': 'row',
  '0x80061005': 'row',
  '0x80048408': 'row', // state and status do not fit
  '0x80040200': 'row', // required column missing
  '0x80040239': 'row', // invalid date
  '0x80040278': 'row', // invalid characters
  '0x80048d19': 'row', // payload not understood; see unknownColumn
  '0x80060888': 'row', // URL not parsed; see unknownTableSegment
  '0x8006088a': 'row', // resource not found
  '0x80040203': 'row', // InvalidArgument
  '0x80041103': 'row', // QueryBuilderNoAttribute
  '0x8004023b': 'row', // invalid operation
  '0x80040227': 'row', // CannotDeleteDueToAssociation
  '0x80040265': 'row', // IsvAborted: a plug-in refused
  '0x80041136': 'row', // arithmetic overflow

  '0x80040220': 'run', // PrivilegeDenied
  '0x80040231': 'run', // PrincipalPrivilegeDenied
  '0x80040299': 'run', // CrmCheckPrivilege failed
  '0x80042f09': 'run', // UserNotAssignedRoles
  '0x80072560': 'run', // UserNotMemberOfOrg
  '0x8004a112': 'run', // SystemUserDisabled
  '0x8004a110': 'run', // CannotActOnBehalfOfAnotherUser
  '0x80060890': 'run', // EntityKeyNotDefined, or its index is not active
  '0x80072491': 'run', // change tracking not enabled
  '0x80044352': 'run', // ExpiredVersionStamp: the delta token is too old
};

/** By status, where the code says nothing. */
const classByStatus: Readonly<Record<number, FaultClass>> = {
  400: 'row',
  401: 'token',
  403: 'run',
  404: 'absent',
  405: 'unsupported',
  408: 'transient',
  409: 'duplicate',
  412: 'duplicate',
  413: 'tooLarge',
  414: 'row',
  501: 'unsupported',
};

/** Generic SQL error; the number in its text tells a deadlock from a broken constraint. */
const sqlErrorCode = '0x80044150';
const repeatableSqlErrors = new Set(['1205', '3732', '2766', '2812']);
const sqlTimeout = '-2';

/**
 * No code of its own tells an unknown column from a value of the wrong type. Only these codes are looked at: the texts of others, a plug-in's
 * among them, may say anything.
 */
const unknownColumn = /Invalid property '|Could not find a property named '|undeclared property/i;
const codesOfUnknownColumns = new Set([undefined, '0x80048d19']);

/** So is answered to the path of a message that is not there. */
const unknownMessage =
  /No HTTP resource was found that matches the request URI|segment 'Microsoft\.Dynamics\.CRM\.\w+'/i;
const codesOfUnknownMessages = new Set([undefined, '0x80060888', '0x8006088a']);

export function facetOf(code: string | undefined): ThrottleFacet | undefined {
  return code === undefined ? undefined : facets[code];
}

/** The one place where a status, a code and (where the code is too coarse) a text become a class. */
export function classifyFault(answer: {
  readonly httpStatus: number;
  readonly code?: string | undefined;
  readonly message: string;
}): FaultClass {
  const { httpStatus, code, message } = answer;
  if (facetOf(code) !== undefined) return 'throttled';
  if (httpStatus === 401) return 'token';
  if (code === sqlErrorCode) return classifySqlError(message);
  const known = code === undefined ? undefined : classByCode[code];
  // What a code says of a row is believed also with this status, which plug-ins may choose.
  if (httpStatus === 429 && (known === undefined || known === 'busy')) return 'throttled';
  if (codesOfUnknownMessages.has(code) && httpStatus < 500 && unknownMessage.test(message)) return 'unsupported';
  if (codesOfUnknownColumns.has(code) && httpStatus === 400 && unknownColumn.test(message)) return 'run';
  return known ?? classByStatus[httpStatus] ?? classifyOther(httpStatus);
}

function classifySqlError(message: string): FaultClass {
  const number = /Sql Number: (-?\d+)/i.exec(message)?.[1];
  if (number === undefined || repeatableSqlErrors.has(number)) return 'busy';
  return number === sqlTimeout ? 'tooLarge' : 'row';
}

function classifyOther(httpStatus: number): FaultClass {
  if (httpStatus >= 500) return 'transient';
  // A redirect would carry the token elsewhere; the rest of the 4xx is about the request as such.
  return httpStatus >= 400 ? 'row' : 'run';
}

/** A refusal with this status may have come after the work was done. */
export function mayHaveCommitted(fault: ServiceFault): boolean {
  return fault.class === 'transient' || fault.httpStatus >= 500 || fault.httpStatus === 408;
}

/** The table's entity set is not there: true of every row, though the code is shared with keys that break the URL. */
export function isUnknownTable(fault: ServiceFault, entitySetName: string): boolean {
  return fault.message.includes(`segment '${entitySetName}'`);
}
