import { describe, expect, it } from 'vitest';
import { createCloseRun } from '../../../src/activities/close-run.ts';
import type { CloseRunInput } from '../../../src/plan/payloads.ts';
import { accountSpec } from '../../support/spec.ts';
import { createMemoryLedger } from '../../support/memory-ledger.ts';

const spec = accountSpec('upsert');
const key = { connection: 'main', table: 'account', operation: 'upsert' };
const pin = { container: 'sources', blob: 'a.csv', etag: '"1"', bytes: 9 };
const cost = { overheadMs: 100, rowMs: 5, badShare: 0, requests: 20 };

const closing = (runId: string, more: Partial<CloseRunInput> = {}): CloseRunInput => ({
  runId,
  spec,
  ending: { state: 'cancelled' },
  faults: [],
  startedAt: '2026-01-01T00:00:00Z',
  requests: 20,
  throttled: 0,
  decisions: [],
  cost,
  ...more,
});

async function createScene() {
  const ledger = createMemoryLedger();
  for (const runId of ['one', 'two']) await ledger.accept({ runId, spec, pin, createdAt: '2026-01-01T00:00:00Z' });
  const scene = { nowMs: Date.parse('2026-01-01T01:00:00Z') };
  const closeRun = createCloseRun({ ledger, source: {} as never, now: () => scene.nowMs });
  return { ledger, scene, closeRun };
}

describe('what a run has learned', () => {
  it('is kept behind the report, also where the process died in between', async () => {
    const { ledger, closeRun } = await createScene();
    const { writeCost } = ledger;
    Object.assign(ledger, { writeCost: async () => Promise.reject(new Error('died')) });
    await expect(closeRun(closing('one'))).rejects.toThrow('died');
    const report = await ledger.readReport('one');
    expect(report?.state).toBe('cancelled');
    Object.assign(ledger, { writeCost });
    expect(await closeRun(closing('one'))).toEqual({ state: 'cancelled' });
    expect(await ledger.readCost(key)).toEqual({ ...cost, endedAt: report?.endedAt });
    expect(await ledger.readReport('one')).toEqual(report);
  });

  it('is not put in the place of what a later run has learned', async () => {
    const { ledger, scene, closeRun } = await createScene();
    await closeRun(closing('one'));
    scene.nowMs += 60_000;
    await closeRun(closing('two', { cost: { ...cost, rowMs: 7 } }));
    await closeRun(closing('one'));
    expect(await ledger.readCost(key)).toMatchObject({ rowMs: 7 });
  });

  it('does not keep a run from closing that has learned nothing', async () => {
    const { ledger, closeRun } = await createScene();
    const { cost: _cost, ...without } = closing('one');
    await closeRun(without);
    expect(await ledger.readCost(key)).toBeUndefined();
  });
});
