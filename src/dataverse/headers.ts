import type { RunOptions } from '../plan/run-spec.ts';

/** Options of a write that travel as headers or in the query. */
export type WriteOptions = Pick<
  RunOptions,
  'bypassBusinessLogic' | 'bypassStepIds' | 'suppressFlows' | 'duplicateDetection' | 'tag' | 'callerObjectId'
>;

export type Headers = Readonly<Record<string, string>>;

/**
 * Headers of every request. `If-None-Match: null` is literal and only keeps caches out of the way
 * (learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors).
 */
export const baseHeaders: Headers = {
  accept: 'application/json',
  'odata-maxversion': '4.0',
  'odata-version': '4.0',
  'if-none-match': 'null',
};

export const jsonContent: Headers = { 'content-type': 'application/json; charset=utf-8' };

/** learn.microsoft.com/power-apps/developer/data-platform/optional-parameters, bypass-custom-business-logic */
export function optionHeaders(options: WriteOptions): Headers {
  return {
    ...(options.bypassBusinessLogic.length > 0 && {
      'MSCRM.BypassBusinessLogicExecution': options.bypassBusinessLogic.join(','),
    }),
    ...(options.bypassStepIds !== undefined && {
      'MSCRM.BypassBusinessLogicExecutionStepIds': options.bypassStepIds.map(headerValue).join(','),
    }),
    ...(options.suppressFlows && { 'MSCRM.SuppressCallbackRegistrationExpanderJob': 'true' }),
    ...(options.duplicateDetection && { 'MSCRM.SuppressDuplicateDetection': 'false' }),
    ...(options.callerObjectId !== undefined && { CallerObjectId: headerValue(options.callerObjectId) }),
  };
}

/** `?tag=...`, or nothing. */
export function optionQuery(options: WriteOptions): string {
  return options.tag === undefined ? '' : `?tag=${encodeURIComponent(options.tag)}`;
}

/** Lets visible ASCII and inner spaces through; a line break would start a header of its own. */
export function headerValue(value: string): string {
  if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    throw new RangeError('A header value may hold printable ASCII only, without space at its ends.');
  }
  return value;
}

/** learn.microsoft.com/power-apps/developer/data-platform/send-parallel-requests, version of 12/12/2022 */
const mostDop = 1_024;

/** `x-ms-dop-hint`: an integer from 1 to 1024. More is taken for the most; anything else says nothing. */
export function parseDopHint(value: string | undefined): number | undefined {
  const text = value?.trim() ?? '';
  if (!/^\d{1,15}$/.test(text)) return undefined;
  const hint = Number(text);
  return hint >= 1 ? Math.min(mostDop, hint) : undefined;
}
