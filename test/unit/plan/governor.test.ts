import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  idleGovernor,
  lease,
  longestBoxSeconds,
  release,
  type GovernorState,
  type LeaseRequest,
} from '../../../src/plan/governor.ts';
import { fallbackHint, type WaveFeedback } from '../../../src/plan/law-state.ts';
import { noFit } from '../../../src/plan/request-size.ts';

const calm: WaveFeedback = { throttles: {}, waitMs: 0, seconds: 5, lanes: 10, requests: 20, busyMs: 50_000 };

function ask(state: GovernorState, request: Partial<LeaseRequest> & { readonly runId: string }, nowMs = 0) {
  return lease(state, { wanted: 1_000, fit: noFit, ...request }, nowMs);
}

describe('lease', () => {
  it('starts at the hint', () => {
    expect(ask(idleGovernor, { runId: 'a', hint: 48 }).grant).toMatchObject({ lanes: 48, duty: 1, why: 'hint 48' });
  });

  it('starts small without a hint', () => {
    expect(ask(idleGovernor, { runId: 'a' }).grant.lanes).toBe(fallbackHint);
  });

  it('holds the bound of the connection, also while it explores', () => {
    let step = ask(idleGovernor, { runId: 'a', hint: 48, maxDop: 10 });
    for (let wave = 1; wave < 20; wave += 1) {
      expect(step.grant.lanes).toBe(10);
      step = ask(step.state, { runId: 'a', hint: 48, maxDop: 10, feedback: calm }, wave * 5_000);
    }
  });

  it('stays within the hint, however calm it is, unless the connection lets it go beyond', () => {
    const most = (request: Partial<LeaseRequest>): number => {
      let step = ask(idleGovernor, { runId: 'a', hint: 10, ...request });
      let lanes = step.grant.lanes;
      for (let wave = 1; wave < 40; wave += 1) {
        step = ask(step.state, { runId: 'a', hint: 10, feedback: calm, workSeconds: 100, ...request }, wave * 5_000);
        lanes = Math.max(lanes, step.grant.lanes);
      }
      return lanes;
    };
    expect(most({})).toBe(10);
    expect(most({ beyondHint: true })).toBeGreaterThan(10);
  });

  it('grants no more than a run can use', () => {
    expect(ask(idleGovernor, { runId: 'a', hint: 48, wanted: 3 }).grant.lanes).toBe(3);
  });

  it('lets a second run wait for lanes in flight, then shares', () => {
    const first = ask(idleGovernor, { runId: 'a', hint: 10, maxDop: 10 });
    const second = ask(first.state, { runId: 'b', hint: 10, maxDop: 10 });
    expect(second.grant).toMatchObject({ lanes: 0, waitSeconds: 2 });
    const third = ask(second.state, { runId: 'a', hint: 10, maxDop: 10, feedback: calm }, 5_000);
    expect(third.grant.lanes).toBe(5);
    expect(ask(third.state, { runId: 'b', hint: 10, maxDop: 10 }, 6_000).grant.lanes).toBe(5);
  });

  it('lets the lanes of several runs together send no more than is allowed, a part of a lane included', () => {
    const refused: WaveFeedback = { ...calm, throttles: { executionTime: 1 } };
    const first = ask(idleGovernor, { runId: 'a', hint: 3 });
    const last = ask(first.state, { runId: 'a', hint: 3, feedback: refused }, 5_000);
    let state = release(last.state, 'a');
    for (const runId of ['a', 'b', 'a', 'b']) state = ask(state, { runId, hint: 3, wanted: 1 }, 600_000).state;
    const inFlight = Object.values(state.leases).reduce((sum, { lanes, duty }) => sum + lanes * duty, 0);
    // Somewhat more than the aim, because the window is empty.
    expect(state.law.aim).toBeCloseTo(1.2);
    expect(inFlight).toBeCloseTo(1.2 * state.law.aim);
  });

  it('gives what one run does not want to the others', () => {
    const small = ask(idleGovernor, { runId: 'small', hint: 10, wanted: 2 });
    expect(ask(small.state, { runId: 'large', hint: 10 }).grant.lanes).toBe(8);
  });

  it('forgets a run that was given lanes and never came back', () => {
    const gone = ask(idleGovernor, { runId: 'gone', hint: 10 });
    expect(ask(gone.state, { runId: 'b', hint: 10 }, 60_000).grant.lanes).toBe(0);
    expect(ask(gone.state, { runId: 'b', hint: 10 }, 600_000).grant.lanes).toBe(10);
  });

  it('keeps what it learned when a run gives its lanes back', () => {
    const first = ask(idleGovernor, { runId: 'a', hint: 10 });
    const hit = { ...calm, throttles: { concurrency: 1 } };
    const { law } = ask(first.state, { runId: 'a', hint: 10, feedback: hit }, 5_000).state;
    expect(release({ ...idleGovernor, law }, 'a')).toEqual({ ...idleGovernor, law });
  });

  it('grants nothing, to nobody, before an ordered wait is over', () => {
    const first = ask(idleGovernor, { runId: 'a', hint: 10 });
    const feedback = { ...calm, throttles: { concurrency: 1 }, waitMs: 37_000 };
    const told = ask(first.state, { runId: 'a', hint: 10, feedback }, 1_000);
    expect(told.grant).toMatchObject({ lanes: 0, waitSeconds: 37 });
    expect(told.grant.why).toContain('waits as told');
    expect(ask(told.state, { runId: 'b', hint: 10 }, 11_000).grant).toMatchObject({ lanes: 0, waitSeconds: 27 });
    expect(ask(told.state, { runId: 'a', hint: 10 }, 38_000).grant.lanes).toBeGreaterThan(0);
  });

  it('lengthens the boxes, further once the ceiling is known', () => {
    const boxes = (state: GovernorState): number[] => {
      const seen: number[] = [];
      for (let wave = 0; wave < 7; wave += 1) {
        const step = ask(state, { runId: 'a', hint: 8, ...(wave > 0 ? { feedback: calm } : {}) }, wave * 1_000);
        seen.push(step.grant.boxSeconds);
        ({ state } = step);
      }
      return seen;
    };
    expect(boxes(idleGovernor)).toEqual([5, 10, 20, 40, 60, 60, 60]);
    const settled = { ...idleGovernor, law: { ...idleGovernor.law, hint: 8, aim: 8, ceiling: 8 } };
    expect(boxes(settled)).toEqual([5, 10, 20, 40, 80, longestBoxSeconds, longestBoxSeconds]);
  });

  it('lets the spec fix the rows per request', () => {
    expect(ask(idleGovernor, { runId: 'a' }).grant.rowsPerRequest).toBe(100);
    expect(ask(idleGovernor, { runId: 'a', rowsPerRequest: 7 }).grant.rowsPerRequest).toBe(7);
  });

  it('never has more lanes out than the smallest bound, whatever is asked in whatever order', () => {
    const request = fc.record({
      runId: fc.constantFrom('a', 'b', 'c', 'd'),
      wanted: fc.integer({ min: 1, max: 100 }),
      hint: fc.integer({ min: 1, max: 60 }),
      feedback: fc.record({
        throttles: fc.record({
          concurrency: fc.integer({ min: 0, max: 3 }),
          executionTime: fc.integer({ min: 0, max: 1 }),
        }),
        waitMs: fc.constantFrom(0, 0, 0, 5_000),
        seconds: fc.integer({ min: 1, max: 130 }),
        lanes: fc.integer({ min: 1, max: 60 }),
        requests: fc.integer({ min: 0, max: 500 }),
        busyMs: fc.integer({ min: 0, max: 500_000 }),
      }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(request, fc.integer({ min: 0, max: 30_000 }), fc.boolean()), { maxLength: 60 }),
        (asked) => {
          let state = idleGovernor;
          let nowMs = 0;
          for (const [one, laterMs, releases] of asked) {
            nowMs += laterMs;
            const before = state.leases;
            state = releases ? release(state, one.runId) : ask(state, { ...one, maxDop: 40 }, nowMs).state;
            const living = Object.values(state.leases).filter(({ untilMs }) => untilMs > nowMs);
            const out = living.reduce((total, held) => total + held.lanes, 0);
            const grew = !releases && (state.leases[one.runId]?.lanes ?? 0) > (before[one.runId]?.lanes ?? 0);
            if (grew) expect(out).toBeLessThanOrEqual(40);
            expect(living.every(({ duty }) => duty >= 0.1 && duty <= 1)).toBe(true);
          }
        },
      ),
    );
  });
});
