import { describe, expect, it } from 'vitest';
import { createReadBooks } from '../../../src/activities/read-books.ts';
import { createSliceIndex, encodeIndex } from '../../../src/source/slice-index.ts';
import { createMemoryLedger } from '../../support/memory-ledger.ts';

const part = (firstRow: number, rowCount: number) => ({
  firstRow,
  rowCount,
  counts: { upserted: rowCount },
  recovered: 0,
  bytes: { from: 0, to: 1, sha256: '' },
  exceptions: [],
});

describe('a run that is resumed', () => {
  it('has left what the chains of parts in its slices leave', async () => {
    const ledger = createMemoryLedger();
    const boundaries = [1, 11, 21, 31].map((firstRow) => ({ firstRow, from: firstRow * 10 }));
    await ledger.writeIndex('r', encodeIndex(createSliceIndex(boundaries)), '');
    for (const [firstRow, rowCount] of [
      [1, 10],
      [11, 4],
      [15, 2],
      [23, 8],
    ] as const)
      // prettier-ignore
      await ledger.commitPart('r', part(firstRow, rowCount));
    expect(await createReadBooks({ ledger })({ runId: 'r' })).toMatchObject({
      source: { rowCount: 30, sliceCount: 3 },
      pending: [{ from: 1, to: 3, cursor: 17 }],
      counts: { upserted: 24 },
    });
  });

  it('has nothing to go on from where its source was never indexed', async () => {
    expect(await createReadBooks({ ledger: createMemoryLedger() })({ runId: 'r' })).toBeNull();
  });
});
