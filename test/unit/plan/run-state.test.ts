import { describe, expect, it } from 'vitest';
import { absorb } from '../../../src/plan/absorb.ts';
import type { LaneReport } from '../../../src/plan/lane.ts';
import { noSends } from '../../../src/plan/request-size.ts';
import type { RunSpec } from '../../../src/plan/run-spec.ts';
import {
  canaryRows,
  beginRun,
  generationIsFull,
  hasWork,
  leaseRequest,
  mostIdleWaves,
  rowLimitOf,
  type RunState,
} from '../../../src/plan/run-state.ts';
import { planWave, type LaneResult } from '../../../src/plan/wave.ts';
import { parseRunSpec } from '../../../src/plan/spec.ts';

const spec = specWith({});
const times = { startedMs: 0, endedMs: 10_000 };

function specWith(options: object): RunSpec {
  const parsed = parseRunSpec({
    connection: 'main',
    source: { container: 'sources', blob: 'a.csv' },
    target: { table: 'account', operation: 'upsert' },
    options,
  });
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults));
  return parsed.spec;
}

const report = (more: Partial<LaneReport>): LaneReport => ({
  end: 'done',
  left: [],
  counts: {},
  recovered: 0,
  requests: 1,
  rowsSent: 100,
  throttles: {},
  waitMs: 0,
  sends: noSends,
  busyMs: 0,
  badRows: 0,
  ...more,
});

const started = (slices = 10, rows = 1_000): RunState =>
  beginRun({ rowCount: rows, sliceCount: slices }, 4, '2026-01-01T00:00:00.000Z');
const grant = { lanes: 2, duty: 1, rowsPerRequest: 100, boxSeconds: 5, waitSeconds: 0, why: null };

function after(run: RunState, results: readonly LaneResult[], theSpec = spec): RunState {
  return absorb(run, theSpec, planWave(run, grant, 0), results, times);
}

describe('absorb', () => {
  it('ends a run whose lanes did everything', () => {
    const run = after(started(), [
      report({ counts: { upserted: 500 } }),
      report({ counts: { upserted: 499, rejected: 1 } }),
    ]);
    expect(run).toMatchObject({
      pending: [],
      counts: { upserted: 999, rejected: 1 },
      ending: null,
      wave: 1,
    });
    expect(hasWork(run)).toBe(false);
  });

  it('knows the rate of the last wave, but for the rows that go ahead alone', () => {
    const left = report({ end: 'box', counts: { upserted: 10 }, left: [{ from: 0, to: 10, cursor: 11 }] });
    const canary = after(started(), [left]);
    expect(canary.rowsPerSecond).toBeNull();
    expect(after(canary, [report({ counts: { upserted: 990 } })]).rowsPerSecond).toBe(99);
  });

  it('keeps what lanes left, and the work of a lane that was lost', () => {
    const run = after(started(), [
      report({ end: 'box', counts: { upserted: 250 }, left: [{ from: 2, to: 5, cursor: 251 }] }),
      { lost: [{ from: 5, to: 10 }], detail: 'host went away' },
    ]);
    expect(run.pending).toEqual([{ from: 2, to: 10, cursor: 251 }]);
    // Trouble of this run alone: the governor, which other runs share, hears of no wait.
    expect(run).toMatchObject({ feedback: { throttles: {}, waitMs: 0 }, holdSeconds: 15, note: 'host went away' });
  });

  it('tells the governor of throttles by facet and of the longest wait', () => {
    const run = after(started(), [
      report({ end: 'throttled', left: [{ from: 0, to: 5 }], throttles: { concurrency: 2 }, waitMs: 30_000 }),
      report({
        end: 'throttled',
        left: [{ from: 5, to: 10 }],
        throttles: { concurrency: 1, requests: 1 },
        waitMs: 37_000,
        dopHint: 8,
      }),
    ]);
    expect(leaseRequest('r', run, spec, { maxLanes: 64, settleSeconds: 180 })).toMatchObject({
      hint: 8,
      feedback: { throttles: { concurrency: 3, requests: 1 }, waitMs: 37_000 },
    });
    expect(run.throttled).toBe(4);
  });

  it.each([
    ['refused', 'stopped'],
    ['cancelled', 'cancelled'],
  ] as const)('ends the run when a lane was %s', (end, state) => {
    const run = after(started(), [
      report({ end, left: [{ from: 1, to: 10 }], detail: 'why' }),
      report({ counts: { upserted: 100 } }),
    ]);
    expect(run.ending?.state).toBe(state);
    expect(hasWork(run)).toBe(false);
  });

  it('stops beyond the tolerated number of rejected rows, not at it', () => {
    const tolerant = specWith({ tolerate: { count: 5 } });
    const left = { end: 'box', left: [{ from: 5, to: 10 }] } as const;
    expect(after(started(), [report({ ...left, counts: { upserted: 95, rejected: 5 } })], tolerant).ending).toBeNull();
    expect(after(started(), [report({ ...left, counts: { upserted: 94, rejected: 6 } })], tolerant).ending).toEqual({
      state: 'stopped',
      reason: '6 rows were rejected; the spec tolerates 5.',
    });
  });

  it('looks at the share of rejected rows once a thousand have an outcome', () => {
    const tolerant = specWith({ tolerate: { percent: 1 } });
    const left = { end: 'box', left: [{ from: 5, to: 10 }] } as const;
    expect(after(started(20, 2_000), [report({ ...left, counts: { rejected: 999 } })], tolerant).ending).toBeNull();
    expect(
      after(started(20, 2_000), [report({ ...left, counts: { rejected: 11, upserted: 989 } })], tolerant).ending?.state,
    ).toBe('stopped');
  });

  it('gives a run up that makes no progress for too long, and says why', () => {
    let run = started();
    for (let wave = 0; wave < mostIdleWaves; wave += 1) {
      expect(run.ending).toBeNull();
      run = after(run, [report({ end: 'unavailable', left: [{ from: 0, to: 10 }], detail: 'HTTP 503' })]);
    }
    expect(run.ending).toEqual({
      state: 'stopped',
      reason: `No row got an outcome in ${mostIdleWaves} waves. HTTP 503`,
    });
  });

  it('asks for a new generation before the history grows long', () => {
    let run = started(100_000, 10_000_000);
    let waves = 0;
    while (!generationIsFull(run)) {
      const deal = planWave(run, { ...grant, lanes: 48 }, 0);
      const results = deal.lanes.map((work) => report({ end: 'box', counts: { upserted: 100 }, left: work }));
      run = absorb(run, spec, deal, results, times);
      waves += 1;
    }
    expect(waves).toBeGreaterThan(5);
    expect(run.historyEvents).toBeLessThanOrEqual(2_000);
  });
});

describe('slices that were set aside', () => {
  const through = { ...started(), counts: { upserted: 10 } };
  const aside = (from: number, seconds: number) => ({
    from,
    to: from + 1,
    notBeforeAt: new Date(seconds * 1_000).toISOString(),
  });

  it('are dealt when they are due, and stay apart from their neighbours', () => {
    const left = [{ from: 3, to: 5 }, aside(5, 200), { from: 6, to: 9 }];
    const run = after(through, [report({ end: 'box', left })]);
    expect(run).toMatchObject({ pending: left, holdSeconds: 0 });
    const before = planWave(run, grant, 199_999);
    expect([before.lanes.flat().includes(left[1]!), before.undealt]).toEqual([false, [left[1]]]);
    const then = planWave(run, grant, 200_000);
    expect([then.lanes.flat().includes(left[1]!), then.undealt]).toEqual([true, []]);
  });

  it('let the run wait once nothing else is left, or when they are too many', () => {
    expect(after(through, [report({ left: [aside(1, 200), aside(5, 160)] })]).holdSeconds).toBe(150);
    const many = Array.from({ length: 257 }, (_, at) => aside(at * 2, 200));
    const run = { ...started(1_000), counts: { upserted: 10 } };
    expect(after(run, [report({ left: [...many, { from: 600, to: 900 }] })]).holdSeconds).toBe(190);
  });
});

describe('the canary', () => {
  const first = { ...grant, lanes: 8 };

  it('goes alone and small, and the others follow once a row has gone through', () => {
    const run = started();
    expect(leaseRequest('r', run, spec, { maxLanes: 64, settleSeconds: 180 }).wanted).toBe(1);
    expect([planWave(run, first, 0).lanes.length, rowLimitOf(run)]).toEqual([1, canaryRows]);
    const through = { ...run, counts: { upserted: 9, rejected: 1 } };
    expect([planWave(through, first, 0).lanes.length, rowLimitOf(through)]).toEqual([8, undefined]);
  });

  it('is followed by one lane alone while every row was rejected', () => {
    const run = { ...started(), counts: { rejected: 10 } };
    expect([planWave(run, first, 0).lanes.length, rowLimitOf(run)]).toEqual([1, undefined]);
  });
});
