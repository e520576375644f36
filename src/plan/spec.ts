import { z } from 'zod';
import { defaultInARow, maxDop, maxRowsPerRequest } from './bounds.ts';
import { pointerSegment, type Fault } from './fault.ts';
import { findTooDeep } from './json-depth.ts';
import { mostDeadlineMinutes } from './run-limits.ts';
import type { RunSpec } from './run-spec.ts';

const name = (pattern: RegExp, what: string) => z.string().regex(pattern, what);
const logicalNameText = 'a logical name: 1 to 128 lower-case letters, digits and _, no digit first';
const logicalName = name(/^[a-z_][a-z0-9_]{0,127}$/, logicalNameText);
const connectionName = name(
  /^[A-Za-z][A-Za-z0-9]{0,31}$/,
  'a connection name: 1 to 32 letters and digits, a letter first',
);
const containerName = name(
  /^[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]$/,
  'a container name: 3 to 63 of a-z, 0-9 and single -',
);
const blobName = name(
  /^(?!.*(?:\.\.|\/\/|\/\.))[A-Za-z0-9][A-Za-z0-9._/ -]{0,511}$/,
  'a blob name: 1 to 512 of a-z, A-Z, 0-9, space and . _ / -, a letter or digit first, without "..", "//" or "/."',
);
const reservedColumns = new Set(['__proto__', 'constructor', 'prototype']);
const sourceColumn = z
  .string()
  .min(1)
  .max(256)
  .refine((value) => !reservedColumns.has(value), 'a name other than __proto__, constructor and prototype');
const headerText = name(/^[\x20-\x7e]{1,256}$/, '1 to 256 printable ASCII characters');

/** Where rows come from; also of a redrive. */
export const sourceSchema = z.strictObject({
  container: containerName,
  blob: blobName,
  format: z.enum(['csv', 'jsonl']).default('csv'),
  delimiter: z.enum([',', ';', '\t', '|']).default(','),
});

const target = z.strictObject({
  table: logicalName,
  operation: z.enum(['create', 'update', 'upsert', 'delete']),
  key: z.exactOptional(z.array(logicalName).min(1).max(16)),
});

const columnSource = z.preprocess(
  (value) => (typeof value === 'string' ? { from: value } : value),
  z.strictObject(
    {
      from: sourceColumn,
      lookup: z.exactOptional(z.strictObject({ table: logicalName, key: z.exactOptional(logicalName) })),
    },
    'the name of a source column, or an object',
  ),
);

/** Records leave a member of this name out without a word. */
const refuseProto = (value: unknown, { issues }: { readonly issues: z.core.$ZodRawIssue[] }) => {
  const name = '__proto__';
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, name))
    issues.push({ code: 'custom', path: [name], input: name, message: logicalNameText });
  return value;
};

const mapping = z.strictObject({
  columns: z.exactOptional(z.preprocess(refuseProto, z.record(logicalName, columnSource))),
  unmapped: z.enum(['error', 'ignore']).default('error'),
  empty: z.enum(['null', 'omit']).default('null'),
});

/** Microsoft recommends no more (learn.microsoft.com/power-apps/developer/data-platform/bypass-custom-business-logic). */
const mostStepIds = 10;

const options = z.strictObject({
  maxLanes: z.exactOptional(z.int().min(1).max(maxDop)),
  rowsPerRequest: z.exactOptional(z.int().min(1).max(maxRowsPerRequest)),
  bypassBusinessLogic: z
    .array(z.enum(['CustomSync', 'CustomAsync']))
    .max(2)
    .default([]),
  bypassStepIds: z.exactOptional(z.array(z.guid()).min(1).max(mostStepIds)),
  suppressFlows: z.boolean().default(false),
  duplicateDetection: z.boolean().default(false),
  tag: z.exactOptional(headerText),
  callerObjectId: z.exactOptional(z.guid()),
  duplicates: z.enum(['lastWins', 'reject']).default('lastWins'),
  deadlineMinutes: z.exactOptional(z.int().min(1).max(mostDeadlineMinutes)),
  tolerate: z
    .strictObject({
      count: z.exactOptional(z.int().min(0).max(1_000_000_000)),
      percent: z.exactOptional(z.number().min(0).max(100)),
      inARow: z.int().min(1).max(1_000_000).default(defaultInARow),
    })
    .prefault({}),
});

const runSpec: z.ZodType<RunSpec> = z.strictObject({
  connection: connectionName,
  source: sourceSchema,
  target,
  mapping: mapping.prefault({}),
  options: options.prefault({}),
});

/**
 * Checks what can be checked of a run spec by looking at it alone, and fills in defaults.
 *
 * @returns the spec, or every fault of it, each with the JSON pointer of its place
 */
export function parseRunSpec(json: unknown): { readonly spec: RunSpec } | { readonly faults: readonly Fault[] } {
  const tooDeep = findTooDeep(json);
  if (tooDeep.length > 0) return { faults: tooDeep };
  const result = runSpec.safeParse(json, { reportInput: true });
  return result.success ? { spec: result.data } : { faults: result.error.issues.flatMap(faultsOf) };
}

export type Issue = z.core.$ZodIssue;

/** What is wrong, by the JSON pointer of its place. */
export function faultsOf(issue: Issue): readonly Fault[] {
  const pointer = issue.path.map((segment) => pointerSegment(String(segment))).join('');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: pointer + pointerSegment(key),
      detail: 'No such property.',
    }));
  }
  if (issue.code === 'invalid_key')
    return [{ pointer, detail: `Must be ${issue.issues[0]?.message ?? 'a valid name'}.` }];
  return [{ pointer, detail: describe(issue) }];
}

function describe(issue: Issue): string {
  const is = issue.input === undefined ? 'is missing' : `is ${shown(issue.input)}`;
  switch (issue.code) {
    case 'invalid_value':
      return `Must be one of ${issue.values.map((value) => shown(value)).join(', ')}; it ${is}.`;
    case 'invalid_type':
      return `Must be ${expected(issue)}; it ${is}.`;
    case 'too_big':
      return `Must ${bound('at most', issue.origin, issue.maximum)}; it ${is}.`;
    case 'too_small':
      return `Must ${bound('at least', issue.origin, issue.minimum)}; it ${is}.`;
    case 'invalid_format':
      return issue.format === 'guid' ? `Must be a GUID; it ${is}.` : `Must be ${issue.message}; it ${is}.`;
    default:
      return `Must be ${issue.message}; it ${is}.`;
  }
}

/** The type in words, unless the schema has its own. */
function expected({ expected: type, message }: z.core.$ZodIssueInvalidType): string {
  if (!message.startsWith('Invalid input')) return message;
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function bound(limit: string, origin: string, count: number | bigint): string {
  const unit = origin === 'string' ? 'character' : 'item';
  return origin === 'string' || origin === 'array'
    ? `have ${limit} ${count} ${unit}${count === 1 ? '' : 's'}`
    : `be ${limit} ${count}`;
}

/** Long values are cut: a fault names the value, it does not repeat the document. */
function shown(value: unknown): string {
  const text = value === undefined ? 'undefined' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
