import { classifyFault, facetOf } from './error-table.ts';
import type { FaultItem, ServiceFault } from './error-table.ts';

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
}): ServiceFault {
  const { httpStatus, body, serviceRequestId } = answer;
  const told = readErrorBody(body);
  const message = told.message === '' ? `HTTP ${httpStatus} without an explanation` : told.message;
  const faultClass = classifyFault({ httpStatus, code: told.code, message });
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

interface ErrorBody {
  readonly code?: string | undefined;
  readonly message: string;
  readonly items?: readonly FaultItem[] | undefined;
}

function readErrorBody(body: string): ErrorBody {
  const json = parseObject(body);
  const error = json === undefined ? undefined : asObject(json['error']);
  if (error !== undefined) {
    return {
      code: normaliseCode(error['code']),
      message: textOf(error['message']),
      items: readItems(error[bulkItemsAnnotation]),
    };
  }
  if (json !== undefined && (typeof json['Message'] === 'string' || json['ErrorCode'] !== undefined)) {
    return { code: normaliseCode(json['ErrorCode']), message: textOf(json['Message']) };
  }
  return { message: firstBytes(body.trim()) };
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
  const items: FaultItem[] = [];
  for (const entry of list) {
    const index = asObject(entry)?.['RequestIndex'];
    const httpStatus = asObject(entry)?.['StatusCode'];
    if (!isCount(index) || !isCount(httpStatus)) return undefined;
    items.push({ index, httpStatus });
  }
  return items;
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

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
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
