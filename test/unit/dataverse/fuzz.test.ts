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
  rowByKey,
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

/** What the service of one case is like. */
interface Service {
  /** Rows it refuses. */
  readonly bad: ReadonlySet<number>;
  readonly keys: 'id' | 'alternate';
  /** What it tells of a batch in which an operation is refused. */
  readonly onError: 'goes on' | 'stops' | 'stops and tells of the error alone';
}

/** One part as the service writes it: successes name their row, failures have a code of their own for each row. */
function part(n: number, status: number, keys: Service['keys'] = 'id'): string {
  const lines = ['Content-Type: application/http', 'Content-Transfer-Encoding: binary', ''];
  // Texts may quote anything, even what looks like the end of the answer.
  const error = JSON.stringify({ error: { code: codeOf(n), message: `fault of ${n}\r\n--${boundary}--` } });
  const key = keys === 'id' ? guid(n) : `code='${guid(n)}'`;
  const answer =
    status < 300
      ? [`HTTP/1.1 ${status} No Content`, `OData-EntityId: https://x/api/data/v9.2/fan_cities(${key})`, '', '', '']
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

const oddHeaders = [
  ':',
  'no colon',
  ': no name',
  'Content-Length: 3',
  'Content-Transfer-Encoding: ',
  `X: --${boundary}--`,
  'HTTP/1.1 500 X',
];

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
  'headers that mean nothing': (parts, at) =>
    envelope(
      parts.map((one, index) =>
        one.replace(
          'Content-Transfer-Encoding: binary',
          `${oddHeaders[(at + index) % oddHeaders.length] ?? ''}${crlf}Content-ID: ${at % 3}`,
        ),
      ),
    ),
  'parts exchanged': (parts, at, other) => envelope(exchange(parts, at, other, 'swap')),
};

interface Harm {
  readonly kind: string;
  readonly at: number;
  readonly other: number;
}

/** A table behind a connection that damages the first answers. */
function service({ bad, keys, onError }: Service, harm: readonly Harm[], operation: Operation): Script {
  const stored = new Set<string>();
  const stands = (n: number): boolean => (operation === 'delete' ? !stored.has(`deleted ${n}`) : stored.has(guid(n)));
  return (seen, index): Reply => {
    const ids = [...(seen.path + seen.body).matchAll(/0000000-0000-4000-8000-([0-9a-f]{12})/g)];
    const isCreate = (seen.headers['if-none-match'] ?? '') === '*' || seen.body.includes('If-None-Match: *');
    const parts: string[] = [];
    let failed: number | undefined;
    for (const [position, sent] of operationsOf(seen).entries()) {
      const n = parseInt(ids[position]![1]!, 16);
      const { status, text } = answerTo(sent, n, isCreate);
      parts.push(text);
      if (status < 400 || onError === 'goes on') continue;
      failed = status;
      break;
    }
    const damage = harm[index];
    if (!isBatch(seen)) return alone(parts[0]!, damage);
    const told = failed !== undefined && onError === 'stops and tells of the error alone' ? parts.slice(-1) : parts;
    const body = damage === undefined ? envelope(told) : damages[damage.kind]!(told, damage.at, damage.other);
    return { status: failed ?? 200, headers: { 'content-type': `multipart/mixed; boundary=${boundary}` }, body };
  };

  function answerTo(sent: string, n: number, isCreate: boolean): { readonly status: number; readonly text: string } {
    if (sent.startsWith('GET')) {
      const isThere = stands(n);
      return { status: isThere ? 200 : 404, text: readPart(isThere, n) };
    }
    if (bad.has(n)) return { status: 400, text: part(n, 400) };
    if ((sent.startsWith('POST') || isCreate) && stored.has(guid(n)))
      return { status: 412, text: refusedPart(412, '0x80040237') };
    if (sent.startsWith('DELETE') && stored.has(`deleted ${n}`))
      return { status: 404, text: refusedPart(404, '0x80040217') };
    stored.add(sent.startsWith('DELETE') ? `deleted ${n}` : guid(n));
    return { status: 204, text: part(n, 204, keys) };
  }
}

/** The same answer to a request of its own: whole, cut as nobody notices without Content-Length, or the page of a gateway. */
function alone(one: string, damage: Harm | undefined): Reply {
  const [, head = '', body = ''] = one.split(crlf + crlf);
  const [statusLine = '', ...lines] = head.split(crlf);
  const text = body.trimEnd();
  const whole = {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(lines.map((line) => line.split(': ') as [string, string])),
    body: text,
  };
  if (damage === undefined || damage.kind === 'none') return whole;
  if (damage.at % 2 === 0)
    return { status: [404, 405, 412, 502, 503][damage.other % 5]!, body: '<html>Gateway</html>' };
  return { ...whole, body: text.slice(0, 1 + (damage.at % Math.max(1, text.length))) };
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
    count: fc.integer({ min: 1, max: 6 }),
    keys: fc.constantFrom<Service['keys']>('id', 'alternate'),
    onError: fc.constantFrom<Service['onError']>('goes on', 'stops', 'stops and tells of the error alone'),
    bad: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
    harm,
  });

  it('never give a row the end of another one', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ operation, count, keys, onError, bad, harm: damage }) => {
        const { client } = harness(service({ bad: new Set(bad), keys, onError }, damage, operation));
        const rows = Array.from({ length: count }, (_, index) =>
          keys === 'id' ? madeRow(index + 1) : rowByKey(index + 1, `code='${guid(index + 1)}'`),
        );
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
      { numRuns: 1_500 },
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

  it('can stand in a header: a wait is a second at least and a day at most, a recommendation never less than one', () => {
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
        '9'.repeat(400),
        '1, 2, 3',
        '99999999.23:59:59',
        'Sun Nov  6 08:49:37 1994',
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
          expect(waitMs).toBeLessThanOrEqual(86_400_000);
        }
        const hint = parseDopHint(one);
        if (hint !== undefined) expect(Number.isInteger(hint) && hint >= 1).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
