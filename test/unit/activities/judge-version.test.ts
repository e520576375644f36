import { describe, expect, it } from 'vitest';
import { judgeVersion } from '../../../src/activities/judge-version.ts';
import type { RunPlan } from '../../../src/activities/run-plan.ts';
import type { RowVersion } from '../../../src/dataverse/read-versions.ts';
import type { EncodedRow } from '../../../src/mapping/encoded-row.ts';
import { RowMembers } from '../../../src/mapping/row-members.ts';
import type { Operation } from '../../../src/plan/outcome.ts';
import type { Look } from '../../../src/plan/payloads.ts';

const row: EncodedRow = { row: 7, from: 0, to: 1, members: RowMembers.of(''), key: { kind: 'id', id: 'x' } };
const planOf = (operation: Operation, keyKind: 'made' | 'id' = 'id'): RunPlan =>
  ({ manifest: { spec: { target: { operation } } }, mapping: { key: { kind: keyKind } } }) as RunPlan;
const found = (createdOn: string, modifiedOn = createdOn): RowVersion => ({
  kind: 'found',
  etag: 'W/"1"',
  createdOn,
  modifiedOn,
});
const absent: RowVersion = { kind: 'absent' };
const old = '2025-12-31T23:00:00Z';
/** The service tells whole seconds. */
const sameSecond = '2026-01-01T10:00:00Z';

const judge = (plan: RunPlan, version: RowVersion, look: Look) =>
  judgeVersion(plan, row, version, { look, beganMs: Date.parse('2026-01-01T10:00:00Z') });

describe('a row that may have been sent', () => {
  it.each([
    ['create', 'created', found(sameSecond)],
    ['update', 'updated', found(old, sameSecond)],
    ['upsert', 'upserted', found(old, sameSecond)],
    ['delete', 'deleted', absent],
  ] as const)('of a %s is done where it stands so, at any look', (operation, outcome, version) => {
    for (const look of ['first', 'late', 'last'] as const)
      expect(judge(planOf(operation), version, look)).toEqual({ row: 7, outcome, recovered: true });
  });

  it.each([
    ['create', absent],
    ['create', found(old)],
    ['update', found(old)],
    ['upsert', found(old)],
    ['upsert', absent],
    ['delete', found(old)],
  ] as const)('of a %s may still come at the first look, and was not attempted later', (operation, version) => {
    expect(judge(planOf(operation), version, 'first')).toBeUndefined();
    expect(judge(planOf(operation), version, 'late')).toEqual({ row: 7, outcome: 'notAttempted' });
  });

  it('with an id that the run made is its own, however old the clocks say it is', () => {
    expect(judge(planOf('create', 'made'), found(old), 'first')?.outcome).toBe('created');
  });

  it('that cannot be read is looked up again, and unknown at the last look, with the reason', () => {
    const unreadable: RowVersion = { kind: 'unreadable', reason: 'no privilege' };
    expect(judge(planOf('upsert'), unreadable, 'first')).toBeUndefined();
    expect(judge(planOf('upsert'), unreadable, 'late')).toBeUndefined();
    expect(judge(planOf('upsert'), unreadable, 'last')).toMatchObject({
      outcome: 'unknown',
      rejection: { code: 'row.unreadable', message: expect.stringContaining('no privilege') },
    });
  });
});
