import { describe, expect, it } from 'vitest';
import { createBreaker } from '../../../src/activities/breaker.ts';
import type { RowOutcome } from '../../../src/plan/outcome.ts';

const rejected = (row: number, code: string): RowOutcome => ({
  row,
  outcome: 'rejected',
  rejection: { class: 'service', code, message: `no ${code}` },
});
const done = (row: number): RowOutcome => ({ row, outcome: 'upserted' });

describe('the breaker', () => {
  it('trips at so many rows in a row with one code, over several requests', () => {
    const breaker = createBreaker(4);
    expect(breaker.note([rejected(1, 'a'), rejected(2, 'a')])).toBeUndefined();
    expect(breaker.note([rejected(4, 'a'), rejected(3, 'a')])).toBe(
      '4 rows in a row, up to row 4, were rejected with a; the failures of the run say why.',
    );
  });

  it('begins again after a row that went through, or another code', () => {
    const breaker = createBreaker(3);
    expect(
      breaker.note([rejected(1, 'a'), rejected(2, 'a'), done(3), rejected(4, 'a'), rejected(5, 'b')]),
    ).toBeUndefined();
    expect(breaker.note([rejected(6, 'b')])).toBeUndefined();
    expect(breaker.note([rejected(7, 'b')])).toContain('3 rows');
  });

  it('takes superseded rows for no sign of anything', () => {
    const breaker = createBreaker(2);
    const superseded: RowOutcome = { row: 2, outcome: 'notAttempted', reason: 'superseded' };
    expect(breaker.note([rejected(1, 'a'), superseded, rejected(3, 'a')])).toContain('2 rows');
  });
});
