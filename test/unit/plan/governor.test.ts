import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fallbackHint,
  idleGovernor,
  lease,
  longestBoxSeconds,
  release,
  type GovernorState,
  type LeaseRequest,
} from '../../../src/plan/governor.ts';

const calm = { throttles: {}, waitMs: 0 };

function ask(state: GovernorState, request: Partial<LeaseRequest> & { readonly runId: string }, nowMs = 0) {
  return lease(state, { wanted: 1_000, ...request }, nowMs);
}

describe('lease', () => {
  it('follows the hint', () => {
    expect(ask(idleGovernor, { runId: 'a', hint: 48 }).grant.lanes).toBe(48);
  });

  it('starts small without a hint', () => {
    expect(ask(idleGovernor, { runId: 'a' }).grant.lanes).toBe(fallbackHint);
  });

  it('holds the bound of the connection', () => {
    expect(ask(idleGovernor, { runId: 'a', hint: 48, maxDop: 10 }).grant.lanes).toBe(10);
  });

  it('grants no more than a run can use', () => {
    expect(ask(idleGovernor, { runId: 'a', hint: 48, wanted: 3 }).grant.lanes).toBe(3);
  });

  it('lets a second run wait for lanes in flight, then shares', () => {
    const first = ask(idleGovernor, { runId: 'a', hint: 10 });
    const second = ask(first.state, { runId: 'b', hint: 10 });
    expect(second.grant).toMatchObject({ lanes: 0, waitSeconds: 2 });
    const third = ask(second.state, { runId: 'a', hint: 10, feedback: calm }, 5_000);
    expect(third.grant.lanes).toBe(5);
    expect(ask(third.state, { runId: 'b', hint: 10 }, 6_000).grant.lanes).toBe(5);
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

  it('cuts the lanes once for a wave with throttles, however many, and grows back slowly', () => {
    let step = ask(idleGovernor, { runId: 'a', hint: 50 });
    step = ask(step.state, { runId: 'a', hint: 50, feedback: { throttles: { concurrency: 80 }, waitMs: 0 } });
    expect(step.grant.lanes).toBe(35);
    step = ask(step.state, { runId: 'a', hint: 50, feedback: calm });
    expect(step.grant.lanes).toBe(38);
    for (let wave = 0; wave < 10; wave += 1) step = ask(step.state, { runId: 'a', hint: 50, feedback: calm });
    expect(step.grant.lanes).toBe(50);
  });

  it('keeps the lanes when only the number of requests was too high', () => {
    const first = ask(idleGovernor, { runId: 'a', hint: 50 });
    const next = ask(first.state, { runId: 'a', hint: 50, feedback: { throttles: { requests: 5 }, waitMs: 0 } });
    expect(next.grant.lanes).toBe(50);
  });

  it('grants nothing, to nobody, before an ordered wait is over', () => {
    const first = ask(idleGovernor, { runId: 'a', hint: 10 });
    const told = ask(
      first.state,
      { runId: 'a', hint: 10, feedback: { throttles: { concurrency: 1 }, waitMs: 37_000 } },
      1_000,
    );
    expect(told.grant).toMatchObject({ lanes: 0, waitSeconds: 37 });
    expect(ask(told.state, { runId: 'b', hint: 10 }, 11_000).grant).toMatchObject({ lanes: 0, waitSeconds: 27 });
    expect(ask(told.state, { runId: 'a', hint: 10 }, 38_000).grant.lanes).toBeGreaterThan(0);
  });

  it('lengthens the boxes while nothing changes', () => {
    const boxes: number[] = [];
    let state = idleGovernor;
    for (let wave = 0; wave < 6; wave += 1) {
      const step = ask(state, { runId: 'a', hint: 8, ...(wave > 0 ? { feedback: calm } : {}) });
      boxes.push(step.grant.boxSeconds);
      ({ state } = step);
    }
    expect(boxes).toEqual([5, 10, 20, 40, longestBoxSeconds, longestBoxSeconds]);
  });

  it('never has more lanes out than the smallest bound, whatever is asked in whatever order', () => {
    const request = fc.record({
      runId: fc.constantFrom('a', 'b', 'c', 'd'),
      wanted: fc.integer({ min: 1, max: 100 }),
      hint: fc.constant(40),
      feedback: fc.record({
        throttles: fc.record({ concurrency: fc.integer({ min: 0, max: 3 }) }),
        waitMs: fc.constantFrom(0, 0, 0, 5_000),
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
            state = releases ? release(state, one.runId) : lease(state, one, nowMs).state;
            const out = Object.values(state.leases).reduce(
              (total, held) => total + (held.untilMs > nowMs ? held.lanes : 0),
              0,
            );
            const grew = !releases && (state.leases[one.runId]?.lanes ?? 0) > (before[one.runId]?.lanes ?? 0);
            if (grew) expect(out).toBeLessThanOrEqual(40);
          }
        },
      ),
    );
  });
});
