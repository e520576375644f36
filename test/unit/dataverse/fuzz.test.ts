import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedAnswerError } from '../../../src/dataverse/errors.ts';
import { parseDopHint } from '../../../src/dataverse/headers.ts';
import { parseBatchAnswer } from '../../../src/dataverse/odata-batch-answer.ts';
import { readFault } from '../../../src/dataverse/read-error.ts';
import { readRetryAfter } from '../../../src/dataverse/retry-after.ts';
import { writeRows, type WriteTarget } from '../../../src/dataverse/write-rows.ts';
import type { Operation } from '../../../src/plan/outcome.ts';
import {
  guid,
  harness,
  isBatch,
  noOptions,
  operationsOf,
  madeRow,
  standardTable,
  type Reply,
  type Script,
} from './support.ts';

const batchesOnly: WriteTarget = {
  ...standardTable,
  bulk: { CreateMultiple: false, UpdateMultiple: false, UpsertMultiple: false, DeleteMultiple: false },
};
const crlf = '\r\n';
const boundary = 'batchresponse_7';

/** One part as the service writes it: successes name their row, failures have a code of their own for each row. */
function part(n: number, status: number): string {
  const lines = ['Content-Type: application/http', 'Content-Transfer-Encoding: binary', ''];
  const error = JSON.stringify({ error: { code: codeOf(n), message: `fault of ${n}` } });
  const answer =
    status < 300
      ? [`HTTP/1.1 ${status} No Content`, `OData-EntityId: https://x/api/data/v9.2/fan_cities(${guid(n)})`, '', '', '']
      : [`HTTP/1.1 ${status} Bad Request`, 'Content-Type: application/json', '', error];
  return [...lines, ...answer].join(crlf) + crlf;
}

/** Codes that mean nothing but a fault of the row. */
const codeOf = (n: number) => `0x8004${(0xf000 + n).toString(16)}`;

const envelope = (parts: readonly string[]) =>
  parts.map((one) => `--${boundary}${crlf}${one}`).join('') + `--${boundary}--${crlf}`;

/**
 * Puts one part into the place of another. Answers come in the order of the operations, and refusals say nothing of their row: two of them in each
 * other's place cannot be told from two in their own. A success names its row, so one of those that move is a success here.
 */
function exchange(parts: readonly string[], at: number, other: number, how: 'copy' | 'swap'): readonly string[] {
  const [left, right] = [at % parts.length, other % parts.length];
  const changed = [...parts];
  const moved = how === 'swap' ? [parts[left]!, parts[right]!] : [parts[right]!];
  if (!moved.some((one) => one.includes('OData-EntityId'))) return changed;
  changed[left] = parts[right]!;
  if (how === 'swap') changed[right] = parts[left]!;
  return changed;
}

type Damage = (parts: readonly string[], at: number, other: number) => string;

const damages: Readonly<Record<string, Damage>> = {
  none: (parts) => envelope(parts),
  'LF for CRLF': (parts) => envelope(parts).replaceAll(crlf, '\n'),
  cut: (parts, at) => envelope(parts).slice(0, at % (envelope(parts).length + 1)),
  'a part missing': (parts, at) => envelope(parts.filter((_, index) => index !== at % parts.length)),
  'a part twice': (parts, at) =>
    envelope(parts.flatMap((one, index) => (index === at % parts.length ? [one, one] : [one]))),
  'a part in the place of another': (parts, at, other) => envelope(exchange(parts, at, other, 'copy')),
  'an empty part': (parts, at) =>
    envelope([...parts.slice(0, at % parts.length), '', ...parts.slice(at % parts.length)]),
  'a boundary too many': (parts, at) => {
    const whole = envelope(parts);
    const place = at % whole.length;
    return `${whole.slice(0, place)}${crlf}--${boundary}${crlf}${whole.slice(place)}`;
  },
  'an end too early': (parts, at) => {
    const place = at % parts.length;
    return envelope(parts.slice(0, place)) + envelope(parts.slice(place));
  },
  'another boundary': (parts) => envelope(parts).replaceAll(boundary, 'batchresponse_8'),
  'text before and behind': (parts) => `<!-- gateway -->${crlf}${envelope(parts)}bye`,
  'a byte changed': (parts, at, other) => {
    const whole = envelope(parts);
    const place = at % whole.length;
    return whole.slice(0, place) + String.fromCharCode(32 + (other % 95)) + whole.slice(place + 1);
  },
  'parts exchanged': (parts, at, other) => envelope(exchange(parts, at, other, 'swap')),
};

/** A table behind a connection that damages the first answers. */
function service(
  bad: ReadonlySet<number>,
  harm: readonly { kind: string; at: number; other: number }[],
  operation: Operation,
): Script {
  const stored = new Set<string>();
  const stands = (n: number): boolean => (operation === 'delete' ? !stored.has(`deleted ${n}`) : stored.has(guid(n)));
  return (seen, index): Reply => {
    const ids = [...(seen.path + seen.body).matchAll(/0000000-0000-4000-8000-([0-9a-f]{12})/g)];
    const parts = operationsOf(seen).map((operation, position) => {
      const n = parseInt(ids[position]![1]!, 16);
      if (operation.startsWith('GET')) return readPart(stands(n), n);
      if (bad.has(n)) return part(n, 400);
      if (operation.startsWith('POST') && stored.has(guid(n))) return refusedPart(412, '0x80040237');
      if (operation.startsWith('DELETE') && stored.has(`deleted ${n}`)) return refusedPart(404, '0x80040217');
      stored.add(operation.startsWith('DELETE') ? `deleted ${n}` : guid(n));
      return part(n, 204);
    });
    const damage = harm[index];
    if (!isBatch(seen)) return alone(parts[0]!, damage);
    const body = damage === undefined ? envelope(parts) : damages[damage.kind]!(parts, damage.at, damage.other);
    return { status: 200, headers: { 'content-type': `multipart/mixed; boundary=${boundary}` }, body };
  };
}

/** The same answer to a request of its own; where a batch would be damaged its body is cut, as without Content-Length nobody notices. */
function alone(part: string, damage: { kind: string; at: number } | undefined): Reply {
  const [, head = '', body = ''] = part.split(crlf + crlf);
  const [statusLine = '', ...lines] = head.split(crlf);
  const text = body.trimEnd();
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(lines.map((line) => line.split(': ') as [string, string])),
    body:
      damage === undefined || damage.kind === 'none' || text === ''
        ? text
        : text.slice(0, 1 + (damage.at % text.length)),
  };
}

function refusedPart(status: number, code: string): string {
  const body = JSON.stringify({ error: { code, message: 'x' } });
  return ['Content-Type: application/http', '', `HTTP/1.1 ${status} X`, '', body].join(crlf) + crlf;
}

function readPart(isThere: boolean, n: number): string {
  if (!isThere) return refusedPart(404, '0x80040217');
  const body = JSON.stringify({ fan_cityid: guid(n) });
  return ['Content-Type: application/http', '', 'HTTP/1.1 200 OK', '', body].join(crlf) + crlf;
}

const success = { create: 'created', update: 'updated', upsert: 'upserted', delete: 'deleted' } as const;

/** A byte changed or put into a message, a code or a header that nobody needs moves no row's end, but what is told of it. */
const mayChangeTexts = new Set(['a byte changed', 'a boundary too many']);

describe('damaged batch answers', () => {
  const harm = fc.array(
    fc.record({
      kind: fc.constantFrom(...Object.keys(damages)),
      at: fc.nat(20_000),
      other: fc.nat(20_000),
    }),
    { minLength: 1, maxLength: 3 },
  );
  const cases = fc.record({
    operation: fc.constantFrom<Operation>('create', 'update', 'upsert', 'delete'),
    count: fc.integer({ min: 2, max: 6 }),
    bad: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
    harm,
  });

  it('never give a row the end of another one', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ operation, count, bad, harm: damage }) => {
        const { client } = harness(service(new Set(bad), damage, operation));
        const rows = Array.from({ length: count }, (_, index) => madeRow(index + 1));
        const { outcomes } = await writeRows(client, {
          table: batchesOnly,
          operation,
          rows,
          options: noOptions,
          repeat: false,
          deadlineAtMs: Infinity,
        });
        for (const { row, outcome, rejection } of outcomes) {
          if (!bad.includes(row)) {
            expect([row, outcome]).toEqual([row, success[operation]]);
          } else {
            expect([row, outcome]).toEqual([row, 'rejected']);
            if (!damage.some(({ kind }) => mayChangeTexts.has(kind))) expect(rejection?.code).toBe(codeOf(row));
          }
        }
      }),
      { numRuns: 600 },
    );
  });
});

describe('anything at all', () => {
  it('is a whole batch answer or none', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...['', '--', crlf, `--${boundary}--`]),
    );
    fc.assert(
      fc.property(fc.array(text), text, fc.nat(3), (pieces, contentType, count) => {
        const body = pieces.join(`${crlf}--${boundary}${crlf}`);
        for (const type of [
          contentType,
          `multipart/mixed; boundary=${boundary}`,
          `multipart/mixed; boundary=${contentType}`,
        ]) {
          try {
            expect(parseBatchAnswer({ status: 200, contentType: type, body }, count)).toHaveLength(count);
          } catch (error) {
            if (!(error instanceof MalformedAnswerError)) throw error;
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('can be read as a refusal', () => {
    const odd = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.json().map((json) => `{"error":${json}}`),
    );
    const members = fc
      .record({ code: fc.jsonValue(), message: fc.jsonValue() })
      .map((error) => JSON.stringify({ error }));
    fc.assert(
      fc.property(fc.oneof(odd, members), fc.integer({ min: 300, max: 599 }), (body, httpStatus) => {
        const fault = readFault({ httpStatus, body });
        expect(fault.httpStatus).toBe(httpStatus);
        expect(fault.message).not.toBe('');
        expect(Buffer.byteLength(fault.message)).toBeLessThanOrEqual(2_048);
        if (fault.code !== undefined) expect(fault.code).toMatch(/^0x[0-9a-f]{8}$/);
      }),
      { numRuns: 1_000 },
    );
  });

  it('can stand in a header: a wait is never shorter than a second, a recommendation never less than one', () => {
    const value = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.bigInt().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.constantFrom(
        '',
        '0',
        '-1',
        'NaN',
        'Infinity',
        '1e9',
        ' 7 ',
        '1,199.97',
        '00:00:30',
        'Thu, 01 Jan 1970 00:00:00 GMT',
      ),
    );
    fc.assert(
      fc.property(value, value, (one, other) => {
        const waitMs = readRetryAfter({ retryAfter: one, date: other, nowMs: 1_750_000_000_000 });
        if (waitMs !== undefined) {
          expect(waitMs).toBeGreaterThanOrEqual(1_000);
          expect(Number.isFinite(waitMs)).toBe(true);
        }
        const hint = parseDopHint(one);
        if (hint !== undefined) expect(Number.isInteger(hint) && hint >= 1).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
