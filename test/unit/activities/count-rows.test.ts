import { describe, expect, it } from 'vitest';
import { createCountRows } from '../../../src/activities/count-rows.ts';
import { readHead } from '../../../src/source/head.ts';
import type { SourceFormat } from '../../../src/source/source.ts';
import { memorySource } from '../../support/memory-source.ts';

const csv: SourceFormat = { kind: 'csv', delimiter: ',' };

function count(text: string, countedBytes: number, format: SourceFormat = csv) {
  const bytes = Buffer.from(text);
  const reading = readHead(bytes, format, { complete: true });
  if (!('head' in reading)) throw new Error('The file of this test has no head.');
  const { source, pin } = memorySource(bytes, 4_096);
  return createCountRows(source, { countedBytes })(pin, format, reading.head);
}

/** Rows whose length grows along the file, some of them over two lines. */
const growing = (rows: number): string =>
  Array.from(
    { length: rows },
    (_, row) => `${row},"${'x'.repeat(10 + row / 1_000)}${row % 3 === 0 ? '\n' : ''}"\n`,
  ).join('');

describe('the rows of a source', () => {
  it('are counted where it can be read to its end', async () => {
    const rows = { count: 2_000, exact: true, least: 2_000, most: 2_000 };
    expect(await count(`id,text\n${growing(2_000)}`, 1_000_000)).toEqual(rows);
  });

  it('are reckoned in a larger one, within an interval that holds them though later rows are longer', async () => {
    const rows = 200_000;
    const reckoned = await count(`id,text\n${growing(rows)}`, 1_000_000);
    if ('faults' in reckoned) throw new Error(JSON.stringify(reckoned.faults));
    expect(reckoned.exact).toBe(false);
    expect(reckoned.least).toBeLessThan(rows);
    expect(reckoned.most).toBeGreaterThan(rows);
    expect(reckoned.count / rows).toBeCloseTo(1, 1);
    // By the length of the first rows alone it would be many times as many.
    expect(reckoned.most).toBeLessThan(rows * 1.5);
  });

  it('are not begun with when the structure of the file is doubtful, and a record that reading broke off is no fault', async () => {
    const broken = await count('id,text\n1,"a"b\n2,c\n3,"d\n', 1_000_000);
    expect('faults' in broken && broken.faults.map(({ detail }) => /row \d/.exec(detail)?.[0])).toEqual([
      'row 1',
      'row 3',
    ]);
    expect('faults' in (await count(`id,text\n${'1,"aaaaaaaaaaaaaaaa"\n'.repeat(2_000)}`, 4_096))).toBe(false);
  });
});
