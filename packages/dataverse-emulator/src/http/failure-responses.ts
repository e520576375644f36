import { UnauthorizedError } from '../auth/authenticate.ts';
import { errorCodes, ODataError } from '../errors.ts';
import { refusalMessage } from '../limits/refusal-message.ts';
import type { Refusal } from '../limits/service-protection.ts';
import type { Preferences } from '../odata/preferences.ts';
import { errorResponse } from '../operations/error-response.ts';
import { jsonResponse, toldNowMs, type ApiResponse, type Environment } from '../operations/operation.ts';

/** 429 with the documented body, and `Retry-After` as the settings model it. */
export function refusalResponse(
  environment: Environment,
  refusal: Refusal,
  { body = 'error', withoutWait = false }: { readonly body?: 'error' | 'message'; readonly withoutWait?: boolean } = {},
): ApiResponse {
  const { code, message } = refusalMessage(refusal, environment.settings().limits);
  const response =
    body === 'error' ? errorResponse(new ODataError(429, code, message), undefined) : olderResponse(code, message);
  const retryAfter = withoutWait ? undefined : retryAfterHeader(environment, refusal.retryAfterSeconds);
  if (retryAfter === undefined) return response;
  return { ...response, headers: { ...response.headers, 'Retry-After': retryAfter } };
}

/** The shape of an error before it was an OData one; seen from gateways and inside batches (rezanid/PSDataverse). */
function olderResponse(code: string, message: string): ApiResponse {
  return jsonResponse(429, {
    Message: message,
    ExceptionMessage: message,
    ExceptionType: 'Microsoft.Crm.Extensibility.OrganizationServiceFault',
    StackTrace: null,
    ErrorCode: Number(code) | 0,
  });
}

function retryAfterHeader(environment: Environment, seconds: number): string | undefined {
  switch (environment.settings().limits.retryAfter.model) {
    case 'missing':
      return undefined;
    case 'zero':
      return '0';
    case 'httpDate':
      // HTTP dates are whole seconds: rounded up, so that obeying is never early.
      return new Date((Math.ceil(toldNowMs(environment) / 1000) + seconds) * 1000).toUTCString();
    case 'growing':
    case 'fixed':
      return String(seconds);
  }
}

/** What a thrown error is answered with. Anything unexpected is a fault of the emulator and says so. */
export function failureResponse(environment: Environment, error: unknown, preferences: Preferences): ApiResponse {
  if (error instanceof ODataError) return errorResponse(error, preferences);
  if (error instanceof UnauthorizedError) return challenge(environment.origin());
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return errorResponse(new ODataError(500, errorCodes.unexpected, `The emulator failed: ${message}`), undefined);
}

function challenge(origin: string): ApiResponse {
  return {
    status: 401,
    headers: {
      'Content-Type': 'text/plain',
      'WWW-Authenticate': `Bearer authorization_uri=${origin}/common/oauth2/authorize, resource_id=${origin}/`,
    },
    body: 'HTTP Error 401 - Unauthorized: Access is denied',
  };
}
