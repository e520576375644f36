import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compareTable, isSame } from '../../../scripts/compare-table.ts';
import { temporaryFolder } from './temporary-folder.ts';

const columns = [
  { logicalName: 'id', type: 'Integer' },
  { logicalName: 'name', type: 'String' },
  { logicalName: 'height', type: 'Double' },
];
const csv = 'id,name,height\n1,"A, B",1.50\n2,007,\n3,,-2\n';
const sameRows = [
  { id: 3, name: null, height: -2, statecode: 0 },
  { id: 1, name: 'A, B', height: 1.5 },
  { id: 2, name: '007' },
];

async function compare(rows: readonly Record<string, unknown>[], text = csv) {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'rows.csv');
  await writeFile(file, text);
  const tableRows = (async function* () {
    yield* rows;
  })();
  return await compareTable({ file, tableRows, columns, key: 'id' });
}

test('a table with the same values in another order is the same; an empty cell equals no value', async () => {
  const comparison = await compare(sameRows);
  expect(comparison).toEqual({ fileRows: 3, tableRows: 3, missing: 0, unexpected: 0, different: 0, examples: [] });
  expect(isSame(comparison)).toBe(true);
});

test('rows missing, beyond the file, repeated and different are counted and shown', async () => {
  const [first, second] = sameRows;
  const comparison = await compare([first!, first!, { id: 9 }, { ...second!, height: 1.25 }]);
  expect(comparison).toEqual({
    fileRows: 3,
    tableRows: 4,
    missing: 1,
    unexpected: 2,
    different: 1,
    examples: [
      'id 3 is in the table more than once',
      'id 9 is in the table but not in the file',
      'id 1: height is 1.25, the file says 1.5',
      'id 2 is in the file but not in the table',
    ],
  });
  expect(isSame(comparison)).toBe(false);
});

test('text that looks like a number stays text', async () => {
  const comparison = await compare([...sameRows.slice(0, 2), { id: 2, name: 7 }]);
  expect(comparison.examples).toEqual(['id 2: name is 7, the file says "007"']);
});

test('a file that repeats a key, or lacks the key column, proves nothing and is refused', async () => {
  await expect(compare([], 'id,name,height\n1,a,1\n1,b,2\n')).rejects.toThrow('has id 1 twice');
  await expect(compare([], 'name\na\n')).rejects.toThrow('has no column id');
});
