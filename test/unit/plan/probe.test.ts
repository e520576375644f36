import { describe, expect, it } from 'vitest';
import { lease, idleGovernor, type Grant, type GovernorState, type LeaseRequest } from '../../../src/plan/governor.ts';
import { newLaw, type LawState, type ServerFeedback, type WaveFeedback } from '../../../src/plan/law-state.ts';
import { probeBoxSeconds } from '../../../src/plan/probe.ts';
import { noFit } from '../../../src/plan/request-size.ts';
import { addSpent, nothingSpent } from '../../../src/plan/spent-time.ts';

const startMs = 1_700_000_000_000;
const names = ['s0', 's1', 's2', 's3'];

/** Four servers that count for themselves, each with a window full of four in flight, which was its limit; `s2` a little fuller. */
const atItsLimit: LawState = {
  ...newLaw,
  hint: 16,
  aim: 4,
  ceiling: 4,
  windowed: true,
  cells: names.map((server) => ({
    server,
    notBeforeMs: 0,
    spent: addSpent(nothingSpent, {
      fromMs: startMs - 300_000,
      toMs: startMs,
      laneSeconds: server === 's2' ? 1_190 : 1_170,
    }),
  })),
  routing: { ...newLaw.routing, pinned: true, counters: 'perServer', draws: 100, scoutedAtMs: startMs },
};

function run(law: LawState = atItsLimit) {
  let state: GovernorState = { ...idleGovernor, law };
  let nowMs = startMs;
  let grant: Grant | undefined;
  const wave = (
    seconds: number,
    servers: readonly Partial<ServerFeedback>[],
    more: Partial<LeaseRequest> = {},
  ): Grant => {
    const each = names.map((server, at): ServerFeedback => ({
      server,
      lanes: 6,
      requests: Math.ceil(seconds / 2),
      busyMs: seconds * 4_000,
      throttles: {},
      spent: Array<number>(Math.ceil(seconds / 10)).fill(40),
      ...servers[at],
    }));
    nowMs += seconds * 1_000;
    const sum = (value: (one: ServerFeedback) => number): number => each.reduce((total, one) => total + value(one), 0);
    const refused = each.find(({ throttles }) => Object.keys(throttles).length > 0);
    const feedback: WaveFeedback = {
      throttles: refused?.throttles ?? {},
      waitMs: 0,
      seconds,
      lanes: 24,
      requests: sum(({ requests }) => requests),
      busyMs: sum(({ busyMs }) => busyMs),
      servers: each,
      scouts: 0,
    };
    const request = {
      runId: 'a',
      wanted: 500,
      fit: noFit,
      hint: 16,
      affinity: true,
      beyondHint: true,
      feedback,
      ...more,
    };
    const step = lease(state, request, nowMs);
    ({ state } = step);
    grant = step.grant;
    return step.grant;
  };
  const first = lease(
    state,
    { runId: 'a', wanted: 500, fit: noFit, hint: 16, affinity: true, beyondHint: true },
    nowMs,
  );
  ({ state } = first);
  return {
    wave,
    law: () => state.law,
    now: () => nowMs,
    lanesAt: (server: string) => grant?.routes?.find((route) => route.server === server)?.lanes ?? 0,
  };
}

const told = (seconds: number): Partial<ServerFeedback> => ({
  left: { firstRequests: 6_000, lastRequests: 5_900, seconds },
});
const silence = [{}, {}, {}, {}];
const refusedAt = (atMs: number): Partial<ServerFeedback> => ({
  throttles: { executionTime: 1 },
  refusedAt: new Date(atMs).toISOString(),
});

describe('a probe of the ceiling', () => {
  it('is sent as soon as the headers fall silent, on the server with the fullest window, in a short box', () => {
    const { wave, law, lanesAt } = run();
    wave(20, [told(10), told(10), told(10), told(10)]);
    expect(law().probe.server).toBeNull();
    const grant = wave(20, silence);
    expect(law().probe.server).toBe('s2');
    expect(grant.boxSeconds).toBe(probeBoxSeconds);
    expect(lanesAt('s2')).toBeGreaterThan(lanesAt('s0') + 1);
  });

  it('is not sent where nobody may go beyond the hint, or where servers are not known to count for themselves', () => {
    const within = run();
    within.wave(20, silence, { beyondHint: false });
    expect(within.law().probe.server).toBeNull();
    const unknown = run({ ...atItsLimit, routing: { ...atItsLimit.routing, counters: 'unknown' } });
    unknown.wave(20, silence);
    expect(unknown.law().probe.server).toBeNull();
  });

  it('costs its server a correction and no more when it is refused, and is not sent again at once', () => {
    const { wave, law, now } = run();
    wave(20, silence);
    const grant = wave(20, [{}, {}, { spent: [60, 50], ...refusedAt(now() + 15_000) }, {}]);
    expect(grant.why).toBe('the limit was looked for and met');
    expect(law()).toMatchObject({ strikes: 0, probe: { server: null, steps: 0 } });
    expect(law().ceiling).toBeGreaterThan(3.9);
    expect(law().ceiling).toBeLessThan(4.1);
    wave(20, silence);
    expect(law().probe.server).toBeNull();
    wave(60, silence);
    wave(60, silence);
    expect(law().probe.server).not.toBeNull();
  });

  it('raises the ceiling of all servers when it goes through, and goes further ahead with each step', () => {
    const { wave, law, lanesAt } = run();
    wave(20, silence);
    wave(20, [{}, {}, { spent: [80, 80] }, {}]);
    expect(law().probe).toMatchObject({ server: 's2', steps: 1 });
    const once = law().ceiling ?? 0;
    expect(once).toBeGreaterThan(4.1);
    // The others have room now, and use it fast.
    expect(lanesAt('s0')).toBeGreaterThanOrEqual(8);
    wave(20, [{ spent: [60, 60] }, { spent: [60, 60] }, { spent: [90, 90] }, { spent: [60, 60] }]);
    expect(law().probe.steps).toBe(2);
    expect(law().ceiling).toBeGreaterThan(once * 1.05);
  });

  it('ends at the new limit, which is what its server has carried', () => {
    const { wave, law, now } = run();
    wave(20, silence);
    wave(20, [{}, {}, { spent: [80, 80] }, {}]);
    wave(20, [{}, {}, { spent: [90, 90] }, {}]);
    const carried = law().ceiling ?? 0;
    wave(20, [{}, {}, { spent: [90, 60], ...refusedAt(now() + 18_000) }, {}]);
    expect(law().probe).toMatchObject({ server: null, steps: 0 });
    expect(law().ceiling).toBeGreaterThan(carried);
    expect(law().ceiling).toBeLessThan(carried * 1.15);
  });

  it('is given up when more in flight only makes requests slower', () => {
    const { wave, law } = run();
    const slow = { ...noFit, whole: { rowMs: 15, rowsEach: 100, overheadMs: 150, requests: 120 } };
    wave(20, silence);
    wave(20, [{}, {}, { spent: [80, 80] }, {}], {
      fit: { ...slow, unhindered: { rowMs: 10, rowsEach: 100, overheadMs: 150 } },
    });
    expect(law().probe).toMatchObject({ server: null, steps: 0 });
    expect(law().ceiling).toBeLessThanOrEqual(4);
  });
});

describe('waits that most servers tell', () => {
  it('say at once by how much the limit was lowered', () => {
    const { wave, law, now } = run();
    wave(20, [told(10), told(10), told(10), told(10)]);
    const lowered = { ...refusedAt(now() + 1_000), spent: [4, 0], notBeforeAt: new Date(now() + 75_000).toISOString() };
    wave(20, [lowered, lowered, lowered, lowered]);
    expect(law().ceiling).toBeGreaterThan(2.8);
    expect(law().ceiling).toBeLessThan(3.3);
  });

  it('are no such sign where one server tells them, or where they are as short as ever', () => {
    const one = run();
    const long = (atMs: number) => ({
      ...refusedAt(atMs + 1_000),
      notBeforeAt: new Date(atMs + 200_000).toISOString(),
    });
    one.wave(20, [long(one.now()), {}, {}, {}]);
    expect(one.law().ceiling).toBeGreaterThan(3.7);
    const short = run();
    const brief = {
      ...refusedAt(short.now() + 18_000),
      notBeforeAt: new Date(short.now() + 22_000).toISOString(),
    };
    short.wave(20, [brief, brief, brief, brief]);
    expect(short.law().ceiling).toBeGreaterThan(3.7);
  });
});
