/**
 * An error the Web API answers with `{"error":{"code","message"}}`. Codes and texts:
 * learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes.
 */
export class ODataError extends Error {
  readonly status: number;
  readonly code: string;
  /** Sent as `@Microsoft.PowerApps.CDS.ErrorDetails.<name>` when the request asks for annotations. */
  readonly details: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'ODataError';
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/** Codes by what they mean, so that the places that raise them read as sentences. */
export const errorCodes = {
  unexpected: '0x80040216',
  objectDoesNotExist: '0x80040217',
  notImplemented: '0x80040219',
  invalidArgument: '0x80040203',
  requiredFieldMissing: '0x80040200',
  invalidDate: '0x80040239',
  duplicateRecord: '0x80040237',
  duplicateEntityKey: '0x80060892',
  recordNotFoundByEntityKey: '0x80060891',
  entityKeyNotDefined: '0x80060890',
  versionMismatch: '0x80060882',
  urlNotParsed: '0x80060888',
  resourceNotFound: '0x8006088a',
  payload: '0x80048d19',
  stringTooLong: '0x80044331',
  integerOutOfRange: '0x8004432F',
  decimalOutOfRange: '0x80044330',
  optionInvalid: '0x8004431A',
  stateStatusMismatch: '0x80048408',
  messageNotSupported: '0x80044180',
  queryNoAttribute: '0x80041103',
  changeTrackingOff: '0x80072491',
  versionStampExpired: '0x80044352',
  userNotMember: '0x80072560',
  userDisabled: '0x8004A112',
  cannotImpersonate: '0x8004A110',
  privilegeDenied: '0x80040220',
  requestTooLarge: '0x8004418A',
  pluginRefused: '0x80040265',
  pluginCrashed: '0x80040224',
  duplicatesDetected: '0x80040333',
  genericSql: '0x80044150',
  sqlTimeout: '0x80044151',
} as const;

export function payloadError(entitySetName: string, reason: string): ODataError {
  return new ODataError(
    400,
    errorCodes.payload,
    `Error identified in Payload provided by the user for Entity :'${entitySetName}', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : Microsoft.OData.ODataException: ${reason}`,
  );
}

export function resourceNotFound(segment: string): ODataError {
  return new ODataError(404, errorCodes.urlNotParsed, `Resource not found for the segment '${segment}'.`);
}

export function rowDoesNotExist(logicalName: string, id: string): ODataError {
  return new ODataError(404, errorCodes.objectDoesNotExist, `${logicalName} With Id = ${id} Does Not Exist`);
}

export function keyDoesNotExist(logicalName: string): ODataError {
  return new ODataError(
    404,
    errorCodes.recordNotFoundByEntityKey,
    `A record with the specified key values does not exist in ${logicalName} entity`,
  );
}

export function duplicateRecord(): ODataError {
  return new ODataError(412, errorCodes.duplicateRecord, 'A record with matching key values already exists.');
}

export function invalidRequest(message: string): ODataError {
  return new ODataError(400, errorCodes.invalidArgument, message);
}
