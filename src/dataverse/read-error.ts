import { classifyFault, facetOf } from './error-table.ts';
import type { FaultClass, FaultItem, ServiceFault } from './error-table.ts';
import { asObject } from './read-json.ts';

/** Text kept of a body that is not one of the service's error objects. */
const keptTextBytes = 2_048;
const bulkItemsAnnotation = '@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails';

/**
 * Reads the refusal out of an error answer: the Web API's `{error:{code,message}}`, the older `{Message,ErrorCode}`, or, from
 * gateways, HTML, text or nothing. Never throws.
 */
export function readFault(answer: {
  readonly httpStatus: number;
  readonly body: string;
  readonly serviceRequestId?: string | undefined;
  /** Neither a length nor chunks tell that the body is whole. */
  readonly mayBeCut?: boolean;
}): ServiceFault {
  const { httpStatus, body, serviceRequestId, mayBeCut = false } = answer;
  const told = readErrorBody(body);
  const message = told.message === '' ? `HTTP ${httpStatus} without an explanation` : told.message;
  const faultClass = mayBeCut && body === '' && isTold(httpStatus) ? 'transient' : classOf(told, httpStatus, message);
  return {
    class: faultClass,
    httpStatus,
    message,
    ...(told.code !== undefined && { code: told.code }),
    ...(faultClass === 'throttled' && { facet: facetOf(told.code) ?? 'other' }),
    ...(serviceRequestId !== undefined && { serviceRequestId }),
    ...(told.items !== undefined && { items: told.items }),
  };
}

/** Statuses that only the service itself can mean: from a gateway that does not know it they say nothing of a row. */
const ofServiceAlone = new Set([404, 405, 409, 410, 412, 501]);

/** Statuses that mean a refusal, of a kind that only the body tells. */
function isTold(httpStatus: number): boolean {
  return httpStatus === 400 || httpStatus === 403;
}

function classOf(told: ErrorBody, httpStatus: number, message: string): FaultClass {
  if (!told.isOfService && ofServiceAlone.has(httpStatus)) return 'transient';
  // Half of an error object may have been any error; a refused token or a throttle is one all the same.
  if (told.isCut === true && httpStatus !== 401 && httpStatus !== 429) return 'transient';
  const faultClass = classifyFault({ httpStatus, code: told.code, message });
  // An answer that goes through its rows has decided on them, whatever its status.
  const isOverall = faultClass === 'transient' || (faultClass === 'throttled' && facetOf(told.code) === undefined);
  return told.items !== undefined && isOverall ? 'row' : faultClass;
}

interface ErrorBody {
  /** One of the service's own error objects. */
  readonly isOfService: boolean;
  /** The beginning of an object. */
  readonly isCut?: boolean;
  readonly code?: string | undefined;
  readonly message: string;
  readonly items?: readonly FaultItem[] | undefined;
}

function readErrorBody(body: string): ErrorBody {
  const json = parseObject(body);
  const error = json === undefined ? undefined : asObject(json['error']);
  if (error !== undefined) {
    return {
      isOfService: true,
      code: normaliseCode(error['code']),
      message: textOf(error['message']),
      items: readItems(error[bulkItemsAnnotation]),
    };
  }
  if (json !== undefined && (typeof json['Message'] === 'string' || json['ErrorCode'] !== undefined)) {
    return { isOfService: true, code: normaliseCode(json['ErrorCode']), message: textOf(json['Message']) };
  }
  const text = body.trim();
  return { isOfService: false, isCut: json === undefined && text.startsWith('{'), message: firstBytes(text) };
}

/** Any spelling of a code (hex in either case, signed decimal) as `0x` and eight lower-case hex digits; none for empty and zero. */
export function normaliseCode(code: unknown): string | undefined {
  const text = typeof code === 'number' ? String(code) : typeof code === 'string' ? code.trim() : '';
  const value = /^0x[0-9a-f]{1,8}$/i.test(text) ? Number(text) : /^-?\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value === 0 || value < -(2 ** 31) || value >= 2 ** 32) return undefined;
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}

/** Annotation values are always text; this one holds `[{"RequestIndex":0,"Id":"...","StatusCode":409}]`. */
function readItems(annotation: unknown): readonly FaultItem[] | undefined {
  const list = typeof annotation === 'string' ? parseJson(annotation) : annotation;
  if (!Array.isArray(list)) return undefined;
  const statusByIndex = new Map<number, number>();
  for (const entry of list) {
    const index = asObject(entry)?.['RequestIndex'];
    const httpStatus = asObject(entry)?.['StatusCode'];
    if (!isCount(index) || !isCount(httpStatus)) return undefined;
    // A list that says two things of one row is believed in nothing.
    if ((statusByIndex.get(index) ?? httpStatus) !== httpStatus) return undefined;
    statusByIndex.set(index, httpStatus);
  }
  if (statusByIndex.size === 0) return undefined;
  return [...statusByIndex].map(([index, httpStatus]) => ({ index, httpStatus }));
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  return asObject(parseJson(text));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? firstBytes(value) : '';
}

function firstBytes(text: string): string {
  const bytes = Buffer.from(text);
  // `subarray` may cut inside a character; the replacement character it leaves is dropped.
  return bytes.length <= keptTextBytes
    ? text
    : bytes
        .subarray(0, keptTextBytes)
        .toString('utf8')
        .replace(/\uFFFD+$/, '');
}
