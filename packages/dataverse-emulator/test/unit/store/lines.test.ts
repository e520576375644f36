import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { linesOf } from '../../../src/store/lines.ts';

it('reads lines of any length, letters of several bytes included, and tells a torn last one', () => {
  const directory = mkdtempSync(join(tmpdir(), 'dataverse-emulator-'));
  const path = join(directory, 'lines');
  // Longer than the pieces that are read, so that letters are cut between two of them.
  const long = '漢'.repeat(1_500_000);
  writeFileSync(path, `first\n\nx${long}\nxx${long}\ntorn 漢`);
  const lines = [...linesOf(path)];
  expect(lines.map(({ line }) => line)).toEqual(['first', `x${long}`, `xx${long}`, 'torn 漢']);
  expect(lines.map(({ isWhole }) => isWhole)).toEqual([true, true, true, false]);
  rmSync(directory, { recursive: true });
});
