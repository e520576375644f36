import { describe, expect, it } from 'vitest';
import { doubted, weighCounters } from '../../../src/plan/counters.ts';
import { withoutNonsense } from '../../../src/plan/evidence.ts';
import { newLaw, type LawState, type ServerFeedback, type WaveFeedback } from '../../../src/plan/law-state.ts';
import { mayChoose } from '../../../src/plan/routing.ts';
import { addSpent, nothingSpent } from '../../../src/plan/spent-time.ts';

const nowMs = 1_700_000_000_000;
const minuteMs = 60_000;

/** Four servers with so much in their windows. */
function lawWith(counters: LawState['routing']['counters'], spent: readonly number[]): LawState {
  return {
    ...newLaw,
    cells: spent.map((laneSeconds, at) => ({
      server: `s${at}`,
      notBeforeMs: 0,
      spent: addSpent(nothingSpent, { fromMs: nowMs - 200_000, toMs: nowMs, laneSeconds }),
    })),
    routing: { ...newLaw.routing, pinned: true, counters, countersAtMs: nowMs },
  };
}

const wave = (servers: readonly Partial<ServerFeedback>[]): WaveFeedback => ({
  throttles: {},
  waitMs: 0,
  seconds: 60,
  lanes: 16,
  requests: 200,
  busyMs: 900_000,
  servers: servers.map((one, at) => ({
    server: `s${at}`,
    lanes: 4,
    requests: 50,
    busyMs: 225_000,
    throttles: {},
    spent: [38, 38, 38, 38, 38, 35],
    ...one,
  })),
});

const told = (seconds: readonly number[]): WaveFeedback =>
  wave(seconds.map((left) => ({ left: { firstRequests: 5_500, lastRequests: 5_450, seconds: left } })));

/** What is left on each of four servers with 1,200 s of their own, and of one budget of 4,800 s that all answer from. */
const uneven = [1_100, 640, 660, 620];
const ofTheirOwn = told(uneven.map((spent) => 1_200 - spent));
const ofOneBudget = told([1_780, 1_785, 1_775, 1_790]);

describe('whether servers count for themselves', () => {
  it('is doubted half an hour after they were found to count together, and learned anew from what is left on them', () => {
    const misjudged = lawWith('shared', uneven);
    const soon = doubted(misjudged, nowMs + 10 * minuteMs);
    expect(mayChoose(soon, { affinity: true }, nowMs + 10 * minuteMs)).toBe(false);
    const later = doubted(misjudged, nowMs + 40 * minuteMs);
    expect(mayChoose(later, { affinity: true }, nowMs + 40 * minuteMs)).toBe(true);
    expect(weighCounters(doubted(lawWith('unknown', uneven), nowMs), ofTheirOwn, nowMs).routing.counters).toBe(
      'perServer',
    );
  });

  it('is found again not to be so where they do count together', () => {
    expect(weighCounters(lawWith('unknown', uneven), ofOneBudget, nowMs).routing.counters).toBe('shared');
  });

  it('stays open while their windows are too even to tell', () => {
    const even = [1_150, 1_160, 1_145, 1_155];
    for (const feedback of [told(even.map((spent) => 1_200 - spent)), told([190, 190, 190, 190])])
      expect(weighCounters(lawWith('unknown', even), feedback, nowMs).routing.counters).toBe('unknown');
  });

  it('is given up when all that is left on them is the same though one was sent more', () => {
    expect(weighCounters(lawWith('perServer', uneven), ofOneBudget, nowMs).routing.counters).toBe('unknown');
    expect(weighCounters(lawWith('perServer', uneven), ofTheirOwn, nowMs).routing.counters).toBe('perServer');
  });

  it('is not told by what is left on servers that have nothing left', () => {
    expect(weighCounters(lawWith('perServer', uneven), told([0, 0, 0, 0]), nowMs).routing.counters).toBe('perServer');
  });

  const refused = (atSeconds: number): Partial<ServerFeedback> => ({
    throttles: { executionTime: 1 },
    refusedAt: new Date(nowMs + atSeconds * 1_000).toISOString(),
    notBeforeAt: new Date(nowMs + 50_000).toISOString(),
  });

  it('is given up when, whenever one refuses for long, all of them do at the same moment', () => {
    let law = lawWith('perServer', uneven);
    const together = wave([refused(2), refused(1), refused(3), refused(2)]);
    for (let event = 1; event <= 2; event += 1) law = weighCounters(law, together, nowMs);
    expect(law.routing.counters).toBe('perServer');
    expect(weighCounters(law, together, nowMs).routing.counters).toBe('unknown');
  });

  it('is believed again as soon as one goes on while another refuses', () => {
    let law = lawWith('perServer', uneven);
    const together = wave([refused(2), refused(1), refused(3), refused(2)]);
    for (let event = 1; event <= 5; event += 1) {
      law = weighCounters(law, together, nowMs);
      law = weighCounters(law, wave([refused(2), {}, {}, {}]), nowMs);
    }
    expect(law.routing.counters).toBe('perServer');
  });
});

describe('rate headers that cannot be true', () => {
  it('are as if they were missing, also where only one server tells them', () => {
    const servers = [{ left: { firstRequests: 7_900, lastRequests: 120, seconds: 400 } }, ...Array<object>(3).fill({})];
    expect(withoutNonsense(wave(servers)).servers?.every(({ left }) => left === undefined)).toBe(true);
  });

  it('are not those that go down by what all servers answered, nor by what somebody else sent as well', () => {
    const servers = [{ left: { firstRequests: 6_000, lastRequests: 5_500, seconds: 400 } }, {}, {}, {}];
    expect(withoutNonsense(wave(servers)).servers?.[0]?.left).toBeDefined();
  });
});
