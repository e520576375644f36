import type { ODataError } from '../errors.ts';
import { includesErrorDetails, type Preferences } from '../odata/preferences.ts';
import { jsonResponse, type ApiResponse } from './operation.ts';

/** The documented error shape; details only when the request asked for annotations. */
export function errorResponse(error: ODataError, preferences: Preferences | undefined): ApiResponse {
  const body: Record<string, string> = { code: error.code, message: error.message };
  if (preferences !== undefined && includesErrorDetails(preferences)) {
    const details = { OperationStatus: '0', SubErrorCode: '-2146233088', ...error.details };
    for (const [name, value] of Object.entries(details)) body[`@Microsoft.PowerApps.CDS.ErrorDetails.${name}`] = value;
  }
  return jsonResponse(error.status, { error: body });
}
