import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeRows, type WriteTarget } from '../../../src/dataverse/write-rows.ts';
import type { Operation } from '../../../src/plan/outcome.ts';
import {
  batchAnswer,
  guid,
  harness,
  isBulk,
  madeRow,
  noOptions,
  operationsOf,
  standardTable,
  type Reply,
  type Script,
} from './support.ts';

const all = { CreateMultiple: true, UpdateMultiple: true, UpsertMultiple: true, DeleteMultiple: true };
const tableOf = (tableType: WriteTarget['tableType']): WriteTarget => ({ ...standardTable, tableType, bulk: all });
const success = { create: 'created', update: 'updated', upsert: 'upserted', delete: 'deleted' } as const;
const codeOf = (n: number) => `0x8004${(0xf000 + n).toString(16)}`;
const annotation = '@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails';

type Item = Readonly<Record<string, unknown>>;

/** What becomes of a whole answer; the rows are done as it was. */
const answerDamages: Readonly<Record<string, (reply: Reply, at: number) => Reply>> = {
  none: (reply) => reply,
  'cut without notice': (reply, at) => ({
    ...reply,
    body: (reply.body ?? '').slice(0, at % ((reply.body ?? '').length || 1)),
  }),
  'an empty 200': () => ({ status: 200, body: '' }),
  'the page of a gateway': (_, at) => ({
    status: [200, 404, 405, 412, 500, 502][at % 6]!,
    body: '<html>Gateway</html>',
  }),
  'half an error': (_, at) => ({ status: [400, 404, 412, 500][at % 4]!, body: '{"error":{"code":"0x8004' }),
  'ids in another order': (reply) => withIds(reply, (ids) => [...ids].reverse()),
  'an id missing': (reply, at) => withIds(reply, (ids) => ids.filter((_, index) => index !== at % ids.length)),
  'an id too many': (reply) => withIds(reply, (ids) => [...ids, guid(99)]),
  'the id of another row': (reply, at) =>
    withIds(reply, (ids) => ids.map((id, index) => (index === at % ids.length ? guid(98) : id))),
  'ids that are none': (reply) => withIds(reply, (ids) => ids.map(() => null)),
  'no ids': (reply) => withIds(reply, () => 'ids'),
};

function withIds(reply: Reply, change: (ids: readonly string[]) => unknown): Reply {
  if (reply.status !== 200) return reply;
  const { Ids } = JSON.parse(reply.body ?? '{}') as { Ids?: readonly string[] };
  // Of a single row the order tells nothing.
  return Ids === undefined || Ids.length < 2 ? reply : { ...reply, body: JSON.stringify({ Ids: change(Ids) }) };
}

/** What becomes of the list of an elastic table's failed rows. */
const listDamages: Readonly<Record<string, (items: readonly Item[], rows: number) => unknown>> = {
  none: (items) => JSON.stringify(items),
  'a list and no text': (items) => items,
  'in another order': (items) => JSON.stringify([...items].reverse()),
  'every row twice': (items) => JSON.stringify([...items, ...items]),
  'with the rows that succeeded': (items, rows) => {
    const failed = new Set(items.map((item) => item['RequestIndex']));
    const others = Array.from({ length: rows }, (_, index) => index).filter((index) => !failed.has(index));
    return JSON.stringify([...others.map((RequestIndex) => ({ RequestIndex, StatusCode: 201 })), ...items]);
  },
  'one row both ways': (items) => JSON.stringify([{ ...items[0], StatusCode: 204 }, ...items]),
  'one row both ways, the success last': (items) => JSON.stringify([...items, { ...items[0], StatusCode: 204 }]),
  'a row that was not sent': (items, rows) =>
    JSON.stringify([...items.slice(1), { RequestIndex: rows, StatusCode: 400 }]),
  'indexes as text': (items) =>
    JSON.stringify(items.map((item) => ({ ...item, RequestIndex: String(item['RequestIndex']) }))),
  'statuses as text': (items) =>
    JSON.stringify(items.map((item) => ({ ...item, StatusCode: String(item['StatusCode']) }))),
  cut: (items) => JSON.stringify(items).slice(0, -1),
  empty: () => '[]',
  absent: () => undefined,
};

interface Harm {
  readonly answer: string;
  readonly list: string;
  readonly at: number;
}

interface Service {
  readonly isElastic: boolean;
  readonly bad: ReadonlySet<number>;
  /** Of the answer of an elastic table of whose rows some have failed. */
  readonly status: number;
  /** Rows it has, or has deleted. */
  readonly stored: Set<number>;
}

/** A table behind a connection that damages the first answers to bulk messages. Ids that do not fit are those of another request: nothing is done. */
function service({ isElastic, bad, status, stored }: Service, operation: Operation, harm: readonly Harm[]): Script {
  const refusalOf = (n: number): { status: number; code: string } | undefined => {
    if (bad.has(n)) return { status: 400, code: codeOf(n) };
    if (operation === 'create' && stored.has(n)) return { status: 412, code: '0x80040237' };
    return operation === 'delete' && stored.has(n) ? { status: 404, code: '0x80040217' } : undefined;
  };
  return (seen, index) => {
    const rows = [...(seen.path + seen.body).matchAll(/0000000-0000-4000-8000-([0-9a-f]{12})/g)].map((match) =>
      parseInt(match[1]!, 16),
    );
    if (isBulk(seen)) {
      const damage = harm[index] ?? { answer: 'none', list: 'none', at: 0 };
      const before = [...stored];
      const whole = answerTo(rows, damage.list);
      const damaged = answerDamages[damage.answer]!(whole, damage.at);
      if (damaged.status === 200 && damaged.body !== whole.body && damaged.body?.startsWith('{"Ids"') === true) {
        stored.clear();
        for (const n of before) stored.add(n);
      }
      return damaged;
    }
    return batchAnswer(
      operationsOf(seen).map((one, position) => {
        const n = rows[position]!;
        if (one.startsWith('GET'))
          return stored.has(n) !== (operation === 'delete')
            ? { status: 200, json: { fan_cityid: guid(n) } }
            : { status: 404, code: '0x80040217' };
        const refusal = refusalOf(n);
        if (refusal === undefined) stored.add(n);
        return refusal ?? 204;
      }),
    );
  };

  function answerTo(rows: readonly number[], list: string): Reply {
    const refusals = rows.map(refusalOf);
    const first = refusals.find((refusal) => refusal !== undefined);
    if (isElastic || first === undefined)
      for (const [index, n] of rows.entries()) if (refusals[index] === undefined) stored.add(n);
    if (first === undefined) {
      return operation === 'create' ? { status: 200, body: JSON.stringify({ Ids: rows.map(guid) }) } : { status: 204 };
    }
    if (!isElastic)
      return { status: first.status, body: JSON.stringify({ error: { code: first.code, message: 'x' } }) };
    const items = refusals.flatMap((refusal, RequestIndex) =>
      refusal === undefined ? [] : [{ RequestIndex, Id: guid(rows[RequestIndex]!), StatusCode: refusal.status }],
    );
    const error = { code: '0x80094000', message: 'x', [annotation]: listDamages[list]!(items, rows.length) };
    return { status, body: JSON.stringify({ error }) };
  }
}

describe('damaged answers to bulk messages', () => {
  const cases = fc.record({
    operation: fc.constantFrom<Operation>('create', 'update', 'upsert', 'delete'),
    isElastic: fc.boolean(),
    status: fc.constantFrom(400, 429, 500, 503),
    count: fc.integer({ min: 1, max: 7 }),
    bad: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { maxLength: 3 }),
    harm: fc.array(
      fc.record({
        answer: fc.constantFrom(...Object.keys(answerDamages)),
        list: fc.constantFrom(...Object.keys(listDamages)),
        at: fc.nat(2_000),
      }),
      { maxLength: 3 },
    ),
  });

  it('never give a row the end of another one, and lose none that is certain', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ operation, isElastic, status, count, bad, harm }) => {
        const stored = new Set<number>();
        const { client } = harness(service({ isElastic, bad: new Set(bad), status, stored }, operation, harm));
        const { outcomes } = await writeRows(client, {
          table: tableOf(isElastic ? 'Elastic' : 'Standard'),
          operation,
          rows: Array.from({ length: count }, (_, index) => madeRow(index + 1)),
          options: noOptions,
          repeat: false,
          deadlineAtMs: Infinity,
        });
        for (const { row, outcome, rejection } of outcomes) {
          const end = bad.includes(row) ? ['rejected', codeOf(row)] : [success[operation], undefined];
          expect([row, outcome, rejection?.code, stored.has(row)]).toEqual([row, ...end, !bad.includes(row)]);
        }
      }),
      { numRuns: 1_500 },
    );
  });
});
