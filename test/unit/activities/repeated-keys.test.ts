import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { findRepeatedKeys } from '../../../src/activities/find-repeated-keys.ts';
import { decodeRepeatedKeys, encodeRepeatedKeys } from '../../../src/activities/repeated-keys.ts';
import type { RecordSource } from '../../../src/activities/source-records.ts';
import type { MappingPlan } from '../../../src/mapping/mapping-plan.ts';
import { createIndexer } from '../../../src/source/indexer.ts';

const mapping: MappingPlan = {
  operation: 'upsert',
  empty: 'null',
  extraMembers: 'reject',
  members: [],
  key: {
    kind: 'alternate',
    parts: [
      {
        source: 0,
        column: {
          logicalName: 'code',
          schemaName: 'Code',
          type: 'String',
          validForCreate: true,
          validForUpdate: true,
          maxLength: 100,
        } as never,
      },
    ],
  },
};

function sourceOf(codes: readonly string[]): RecordSource {
  const bytes = Buffer.from(`code\n${codes.map((code) => `"${code}"\n`).join('')}`);
  const format = { kind: 'csv', delimiter: ',' } as const;
  const indexer = createIndexer(format, { columns: ['code'], dataFrom: 5 });
  indexer.push(bytes);
  const { index } = indexer.finish({ sliceRows: () => 100 });
  return {
    source: { read: async (_pin, from, to) => bytes.subarray(from, to) },
    rows: { container: 'c', blob: 'b', etag: '', bytes: bytes.length },
    format,
    columns: ['code'],
    index,
  };
}

describe('repeated keys', () => {
  it('are found with the last row of each, as the service compares them', async () => {
    const source = sourceOf(['a', 'b', 'A', 'c', 'á', 'b ']);
    expect(await findRepeatedKeys(source, mapping, 'lastWins')).toEqual([
      { row: 1, lastRow: 5 },
      { row: 2, lastRow: 6 },
      { row: 3, lastRow: 5 },
    ]);
    expect((await findRepeatedKeys(source, mapping, 'reject')).map(({ row }) => row)).toEqual([1, 2, 3, 5, 6]);
  });

  it('are the same whether the keys fit into memory at once or not', async () => {
    const codes = fc.array(fc.integer({ min: 0, max: 30 }).map(String), { maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(codes, fc.integer({ min: 1, max: 50 }), async (keys, rowsInPass) => {
        const expected = keys.flatMap((key, at) =>
          keys.lastIndexOf(key) === at ? [] : [{ row: at + 1, lastRow: keys.lastIndexOf(key) + 1 }],
        );
        expect(await findRepeatedKeys(sourceOf(keys), mapping, 'lastWins', rowsInPass)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('may be nearly all of a long file', async () => {
    const rowCount = 200_000;
    const repeated = await findRepeatedKeys(sourceOf(Array.from({ length: rowCount }, () => 'a')), mapping, 'lastWins');
    expect(repeated).toHaveLength(rowCount - 1);
    expect(repeated.at(-1)).toEqual({ row: rowCount - 1, lastRow: rowCount });
  });

  it('are no more equal than the service takes them for: a row of another key is not left out', async () => {
    const different = ["a 'x", "a'x", 'ดี', 'ดู', 'कि', 'का', "b ',c", "b',c"];
    expect(await findRepeatedKeys(sourceOf(different), mapping, 'lastWins')).toEqual([]);
    const same = ['Ångström', 'angstrom  ', 'カ', 'ｶ'];
    expect(await findRepeatedKeys(sourceOf(same), mapping, 'lastWins')).toEqual([
      { row: 1, lastRow: 2 },
      { row: 3, lastRow: 4 },
    ]);
  });

  it('are found again in their stored form', () => {
    const { find } = decodeRepeatedKeys(
      encodeRepeatedKeys([
        { row: 3, lastRow: 9 },
        { row: 7, lastRow: 7 },
      ]),
    );
    expect([1, 3, 5, 7, 9].map(find)).toEqual([undefined, 9, undefined, 7, undefined]);
    expect(decodeRepeatedKeys(Buffer.alloc(0)).find(1)).toBeUndefined();
  });
});
