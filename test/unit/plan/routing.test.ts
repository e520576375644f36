import { describe, expect, it } from 'vitest';
import { idleGovernor, lease, type Grant, type GovernorState, type LeaseRequest } from '../../../src/plan/governor.ts';
import type { ServerFeedback, WaveFeedback } from '../../../src/plan/law-state.ts';
import type { LaneReport } from '../../../src/plan/lane.ts';
import { noFit, noSends } from '../../../src/plan/request-size.ts';
import { mostServers } from '../../../src/plan/routing.ts';
import { feedbackOf } from '../../../src/plan/wave-feedback.ts';
import { laneRoutes } from '../../../src/plan/widths.ts';

const boxSeconds = 10;

/** What a wave of a grant met: `servers` by name, all calm unless said otherwise. */
function feedback(
  lanes: number,
  servers: readonly Partial<ServerFeedback>[],
  more: Partial<WaveFeedback> = {},
): WaveFeedback {
  const each = servers.map((one, at): ServerFeedback => {
    const own = Math.floor(lanes / servers.length) + (at < lanes % servers.length ? 1 : 0);
    return {
      server: `s${at}`,
      lanes: own,
      requests: own * 4,
      busyMs: own * 10_000,
      throttles: {},
      spent: [own * 10],
      left: { firstRequests: 6_000, lastRequests: 6_000 - own * 3, seconds: 1_200 - own * 10 },
      ...one,
    };
  });
  const busyMs = each.reduce((sum, one) => sum + one.busyMs, 0);
  return {
    throttles: {},
    waitMs: 0,
    seconds: boxSeconds,
    lanes,
    requests: lanes * 4,
    busyMs,
    servers: each,
    scouts: lanes,
    ...more,
  };
}

const four = [{}, {}, {}, {}];

function run() {
  let state: GovernorState = idleGovernor;
  let nowMs = 1_700_000_000_000;
  const ask = (more: Partial<LeaseRequest> = {}): Grant => {
    const request = { runId: 'a', wanted: 500, fit: noFit, hint: 16, affinity: true, beyondHint: true, ...more };
    const step = lease(state, request, nowMs);
    ({ state } = step);
    nowMs += boxSeconds * 1_000;
    return step.grant;
  };
  return {
    ask,
    law: () => state.law,
    state: () => state,
    later: (seconds: number) => (nowMs += seconds * 1_000),
    now: () => nowMs,
  };
}

/** A run that has found its four servers. */
function settled() {
  const one = run();
  one.ask();
  one.ask({ feedback: feedback(17, four) });
  return one;
}

describe('lanes that choose their servers', () => {
  it('go where they are sent until the servers are known, then each has its own', () => {
    const { ask } = run();
    expect(ask().routes).toEqual([{ server: null, lanes: 16, duty: 1 }]);
    const grant = ask({ feedback: feedback(17, four) });
    const named = (grant.routes ?? []).filter(({ server }) => server !== null);
    expect(named.map(({ server }) => server)).toEqual(['s0', 's1', 's2', 's3']);
    expect(grant.independent).toBe(true);
    // One of them seeks the ceiling for all.
    expect(named.map(({ lanes }) => lanes).toSorted((left, right) => left - right)).toEqual([4, 4, 4, 7]);
  });

  it('draw longer for the servers where no lane will be spared to look on', () => {
    const three = [{}, {}, {}];
    const bounded = run();
    bounded.ask({ beyondHint: false });
    bounded.ask({ beyondHint: false, feedback: feedback(16, three) });
    expect(bounded.law().routing.pinned).toBe(false);
    bounded.ask({ beyondHint: false, feedback: feedback(16, three) });
    expect(bounded.law().routing.pinned).toBe(true);
    const free = run();
    free.ask();
    free.ask({ feedback: feedback(16, three) });
    expect(free.law().routing.pinned).toBe(true);
  });

  it('are spread evenly however few of the lanes have work', () => {
    const { ask } = settled();
    const routes = laneRoutes(ask({ beyondHint: false, feedback: feedback(16, four, { scouts: 0 }) }).routes ?? []);
    const first = routes.slice(0, 8).map(({ server }) => server);
    for (const server of ['s0', 's1', 's2', 's3']) expect(first.filter((one) => one === server)).toHaveLength(2);
  });

  it('stay within the hint by default', () => {
    const { ask } = settled();
    for (let wave = 0; wave < 5; wave += 1)
      expect(ask({ beyondHint: false, feedback: feedback(16, four, { scouts: 0 }) }).lanes).toBeLessThanOrEqual(16);
  });

  it('are kept from the server that refused, and from no other', () => {
    const { ask, now } = settled();
    const refused = {
      throttles: { executionTime: 1 },
      refusedAt: new Date(now()).toISOString(),
      notBeforeAt: new Date(now() + 600_000).toISOString(),
    };
    const met = feedback(16, [{}, {}, refused, {}], { throttles: { executionTime: 1 }, waitMs: 600_000, scouts: 0 });
    const servers = (ask({ feedback: met }).routes ?? []).map(({ server }) => server);
    expect(servers).toEqual(['s0', 's1', 's3']);
  });

  it('all wait when one is told to while it is not known whether servers count for themselves', () => {
    const { ask } = run();
    ask();
    const silent = four.map(() => ({ left: undefined }) as unknown as Partial<ServerFeedback>);
    ask({ feedback: feedback(17, silent) });
    const met = feedback(16, silent, { throttles: { executionTime: 1 }, waitMs: 30_000, scouts: 0 });
    expect(ask({ feedback: met })).toMatchObject({ lanes: 0, waitSeconds: 30, independent: false });
  });

  it('forget a server that is gone, and share what it had only where the hint says so', () => {
    const { ask, law } = settled();
    ask({ feedback: feedback(16, [{}, {}, {}], { gone: ['s3'], scouts: 0 }) });
    expect(law().cells.map(({ server }) => server)).toEqual(['s0', 's1', 's2']);
  });

  it('go looking for as many servers as a higher hint speaks of', () => {
    const { ask } = settled();
    const grant = ask({ hint: 48, feedback: feedback(16, four, { scouts: 0 }) });
    expect(grant.routes?.find(({ server }) => server === null)?.lanes).toBeGreaterThanOrEqual(32);
  });

  it('go anywhere again where servers count together', () => {
    const { ask, law } = run();
    ask();
    const together = four.map((_, at) => ({
      left: { firstRequests: 6_000, lastRequests: 5_945, seconds: 1_000 - at },
    }));
    const grant = ask({ feedback: feedback(17, together) });
    expect(law().routing.counters).toBe('shared');
    expect(grant.routes).toBeUndefined();
    expect(grant.why).toContain('servers count together');
  });

  it('go anywhere where there are more servers than can be kept, and where the setting is off again', () => {
    const many = run();
    many.ask({ hint: 80 });
    const grant = many.ask({
      hint: 80,
      feedback: feedback(
        80,
        Array.from({ length: mostServers + 1 }, () => ({})),
      ),
    });
    expect(grant.routes).toBeUndefined();
    const { ask, law } = settled();
    const before = law().aim * law().cells.length;
    expect(ask({ affinity: false }).routes).toBeUndefined();
    expect(law().cells).toHaveLength(1);
    expect(law().aim).toBeCloseTo(before);
  });

  it('go anywhere, with all that was allowed, where servers answer for one another whatever is asked', () => {
    const { ask, law } = settled();
    const before = law().aim * law().cells.length;
    const gone = ['s0', 's1', 's2', 's3'];
    expect(ask({ feedback: feedback(16, four, { gone, scouts: 0 }) }).routes).toBeUndefined();
    expect(law()).toMatchObject({ cells: [{ server: null }], routing: { pinned: false } });
    expect(law().aim).toBeGreaterThanOrEqual(before);
  });

  it('may try more at once where the headers show room, and never less because of them', () => {
    const roomy = settled();
    const calm = roomy.law().aim;
    const shows = (seconds: number) =>
      four.map(() => ({ left: { firstRequests: 6_000, lastRequests: 5_990, seconds } }));
    expect(roomy.ask({ feedback: feedback(16, shows(3_000), { scouts: 0 }) }).why).toBe('the environment shows room');
    expect(roomy.law().aim).toBeGreaterThan(calm * 1.3);
    const none = settled();
    none.ask({ feedback: feedback(16, shows(0), { scouts: 0 }) });
    expect(none.law().aim).toBeGreaterThanOrEqual(calm);
  });

  it('tell of a bounded number of servers, also where every lane names one of its own', () => {
    const reports = Array.from({ length: 1_024 }, (_, at): LaneReport => {
      const server = at.toString(16).padStart(64, '0');
      const sent = { server, scout: true, gone: `g${server}`, spent: Array<number>(12).fill(9.87) };
      const sums = {
        counts: {},
        recovered: 0,
        requests: 9,
        rowsSent: 900,
        throttles: {},
        waitMs: 0,
        sends: noSends,
        busyMs: 9,
        badRows: 0,
      };
      return { end: 'box', left: [], ...sums, at: sent };
    });
    const told = feedbackOf(reports, { seconds: 120, lanes: 1_024 });
    expect(told.servers).toHaveLength(mostServers + 1);
    expect(JSON.stringify(told).length).toBeLessThan(16_384);
    const { ask } = run();
    ask();
    expect(ask({ feedback: told }).routes).toBeUndefined();
  });

  it('keeps a state that fits in a message with as many servers as there may be, for hours', () => {
    const { ask, state, later } = run();
    const servers = Array.from({ length: mostServers }, (_, at) => ({ server: at.toString(16).padStart(64, '0') }));
    ask({ hint: 128, runId: 'a' });
    for (let wave = 0; wave < 300; wave += 1) {
      ask({ hint: 128, wanted: 1_024, runId: wave % 2 === 0 ? 'a' : 'b', feedback: feedback(129, servers) });
      later(50);
    }
    expect(state().law.cells.length).toBe(mostServers);
    expect(Buffer.byteLength(JSON.stringify(state()))).toBeLessThan(40_000);
  });
});
