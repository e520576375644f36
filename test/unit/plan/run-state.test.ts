import { describe, expect, it } from 'vitest';
import { absorb } from '../../../src/plan/absorb.ts';
import type { LaneReport } from '../../../src/plan/lane.ts';
import { endingAfter, hasDoubts, withinLimits } from '../../../src/plan/run-ending.ts';
import { noSends } from '../../../src/plan/request-size.ts';
import type { RunSpec } from '../../../src/plan/run-spec.ts';
import {
  canaryRows,
  beginRun,
  generationIsFull,
  hasWork,
  leaseRequest,
  needsQuiet,
  rowLimitOf,
  waited,
  type RunState,
} from '../../../src/plan/run-state.ts';
import { noWave, planWave, verdictOf, type LaneResult } from '../../../src/plan/wave.ts';
import { accountSpec } from '../../support/spec.ts';

const specWith = (options: object): RunSpec => accountSpec('upsert', options);
const spec = specWith({});
const times = { startedMs: 0, endedMs: 10_000 };

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

describe('the limits of a run', () => {
  const fromStart = (minutes: number) => Date.parse(started().startedAt) + minutes * 60_000;
  const idleWave = (run: RunState, seconds: number): RunState =>
    absorb(
      run,
      spec,
      planWave(run, grant, 0),
      [report({ end: 'unavailable', left: [{ from: 0, to: 10 }], detail: 'HTTP 503' })],
      { startedMs: 0, endedMs: seconds * 1_000 },
    );
  const wait = (seconds: number, more: object = {}) => ({ meantSeconds: seconds, seconds, ordered: true, ...more });

  it('give a run up that makes no progress for an hour, and say how much of it the environment ordered', () => {
    let run = idleWave(started(), 60);
    for (let minute = 1; minute < 60; minute += 1) {
      expect(withinLimits(run, spec, fromStart(minute)).ending).toBeNull();
      run = minute % 2 === 0 ? idleWave(run, 60) : waited(run, wait(60));
    }
    expect(withinLimits(run, spec, fromStart(60)).ending).toEqual({
      state: 'stalled',
      reason: 'No row got an outcome for 60 minutes, 30 of them in waits that the environment ordered. HTTP 503',
    });
  });

  it('begin anew with every outcome', () => {
    const idle = waited(started(), wait(3_000));
    const left = report({ end: 'box', counts: { rejected: 1 }, left: [{ from: 0, to: 10, cursor: 2 }] });
    const again = waited(after(idle, [left]), wait(3_000));
    expect(withinLimits(again, spec, fromStart(101)).ending).toBeNull();
    expect(withinLimits(waited(again, wait(600)), spec, fromStart(111)).ending?.state).toBe('stalled');
  });

  it('do not count the time in which the run was paused, or its app was away', () => {
    const hours = 3_600 * 30;
    const slept = idleWave(waited(started(), wait(60, { seconds: hours })), hours);
    expect(withinLimits(slept, spec, fromStart(60 * 60)).ending).toBeNull();
    expect(withinLimits(slept, spec, fromStart(60 * 60 + 60 * 24)).ending?.state).toBe('stalled');
  });

  it('end a run at its deadline, which is a day unless its spec says otherwise', () => {
    const [run, hasty] = [started(), specWith({ deadlineMinutes: 5 })];
    expect(withinLimits(run, hasty, fromStart(5) - 1).ending).toBeNull();
    expect(withinLimits(run, hasty, fromStart(5)).ending).toEqual({
      state: 'stalled',
      reason: 'The run has not come to its end within its deadline (options.deadlineMinutes: 5).',
    });
    expect(withinLimits(run, spec, fromStart(24 * 60) - 1).ending).toBeNull();
    expect(withinLimits(run, spec, fromStart(24 * 60)).ending?.state).toBe('stalled');
  });
});

describe('a slice whose lanes are never heard of again', () => {
  const poisoned = [{ from: 3, to: 4, cursor: 351 }];
  const through = { counts: { upserted: 100 } };

  it('waits until nothing else is pending, and is then tried alone', () => {
    const run = after({ ...started(), counts: { upserted: 1 } }, [
      report({ end: 'box', ...through, left: [{ from: 4, to: 5 }], poisoned }),
    ]);
    expect(run).toMatchObject({ pending: [{ from: 4, to: 5 }], suspects: poisoned, givenUp: 0 });
    expect(planWave(run, grant, 0)).toMatchObject({ lanes: [[{ from: 4, to: 5 }]] });
    const alone = after(run, [report(through)]);
    expect(hasWork(alone)).toBe(true);
    expect(leaseRequest('r', alone, spec, { maxLanes: 64, settleSeconds: 180 }).wanted).toBe(1);
    expect(planWave(alone, { ...grant, lanes: 8 }, 0)).toMatchObject({ lanes: [poisoned], undealt: [], alone: true });
    expect(after(alone, [report(through)])).toMatchObject({ pending: [], suspects: [], givenUp: 0, ending: null });
  });

  it('is tried again where its lane was lost, the others after it, and is none where it was heard of', () => {
    const run = {
      ...started(),
      pending: [],
      counts: { upserted: 1 },
      suspects: [
        { from: 3, to: 5 },
        { from: 7, to: 8 },
      ],
    };
    expect(planWave(run, grant, 0)).toMatchObject({ lanes: [[{ from: 3, to: 4 }]] });
    const lost = after(run, [{ lost: [{ from: 3, to: 4 }], detail: 'The worker exited.' }]);
    expect(lost).toMatchObject({
      pending: [],
      suspects: [
        { from: 3, to: 5 },
        { from: 7, to: 8 },
      ],
    });
    // Heard of, alone: whatever it was, it is none that kills.
    expect(after(lost, [report({ end: 'box', left: [{ from: 3, to: 4, cursor: 310 }] })])).toMatchObject({
      pending: [{ from: 3, to: 4, cursor: 310 }],
      suspects: [
        { from: 4, to: 5 },
        { from: 7, to: 8 },
      ],
    });
  });

  it('waits for lanes of earlier waves, told by one of them too, and is not left behind when it is slow itself', () => {
    const lane = {
      wave: 1,
      lane: 0,
      work: [{ from: 3, to: 4 }],
      boxStartsMs: 0,
      requests: 1,
      busyMs: 0,
      metLimit: false,
    };
    const run = { ...started(), counts: { upserted: 1 }, pending: [], carried: [lane], suspects: [{ from: 7, to: 8 }] };
    expect(needsQuiet(run)).toBe(true);
    expect(planWave(run, grant, 0).alone).toBeUndefined();
    const late = { lane, result: report({ end: 'done', poisoned: [{ from: 3, to: 4 }] }) };
    const next = absorb(run, spec, { ...noWave(run, 0), late: [late] }, [], times);
    expect(next).toMatchObject({
      carried: [],
      suspects: [
        { from: 3, to: 4 },
        { from: 7, to: 8 },
      ],
      givenUp: 0,
    });
    expect(verdictOf(next, planWave(next, grant, 0), [null], 0)).toBe('land');
  });

  it('is given up when it is not heard of alone either; the run completes, and says so', () => {
    const run = after({ ...started(), pending: [], counts: { upserted: 1 }, suspects: poisoned }, [
      report({ poisoned }),
    ]);
    expect(run).toMatchObject({ suspects: [], givenUp: 1, ending: null });
    expect([hasWork(run), hasDoubts(run)]).toEqual([false, true]);
    expect(endingAfter(run, 0)).toEqual({
      state: 'completed',
      reason: expect.stringContaining('A slice was given up'),
    });
    expect(endingAfter(run, 40).state).toBe('stopped');
    expect(endingAfter({ ...run, givenUp: 0 }, 0)).toEqual({ state: 'completed' });
  });

  it('ends the run when it is the twenty-first', () => {
    const run = { ...started(), pending: [], counts: { upserted: 1 }, suspects: poisoned };
    expect(after({ ...run, givenUp: 19 }, [report({ poisoned })]).ending).toBeNull();
    expect(after({ ...run, givenUp: 20 }, [report({ poisoned })]).ending).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('21 slices were given up'),
    });
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
