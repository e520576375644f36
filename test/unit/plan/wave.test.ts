import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { absorb } from '../../../src/plan/absorb.ts';
import type { CarriedLane } from '../../../src/plan/carried.ts';
import type { Grant } from '../../../src/plan/governor.ts';
import type { LaneReport } from '../../../src/plan/lane.ts';
import { noSends } from '../../../src/plan/request-size.ts';
import { beginRun, hasWork, leaseRequest, needsQuiet, type RunState } from '../../../src/plan/run-state.ts';
import { accountSpec } from '../../support/spec.ts';
import { sliceCountOf } from '../../../src/plan/stretch.ts';
import {
  follow,
  graceOf,
  isOverEarly,
  nextLookMs,
  noWave,
  planWave,
  verdictOf,
  type LaneResult,
} from '../../../src/plan/wave.ts';

const spec = accountSpec('upsert');

const report = (more: Partial<LaneReport>): LaneReport => ({
  end: 'box',
  left: [],
  counts: {},
  recovered: 0,
  rowsSent: 100,
  requests: 30,
  throttles: {},
  waitMs: 0,
  sends: noSends,
  busyMs: 30_000,
  badRows: 0,
  ...more,
});

/** Much is left to do, and every lane does half a slice in a second. */
const underWay: RunState = {
  ...beginRun({ rowCount: 10_000_000, sliceCount: 10_000 }, 16, '2026-01-01T00:00:00.000Z'),
  counts: { upserted: 1_000 },
  slicesPerLaneSecond: 0.5,
  wave: 3,
};
const grant = { lanes: 16, duty: 1, rowsPerRequest: 100, boxSeconds: 30, waitSeconds: 0, why: null };
const times = { startedMs: 100_000, endedMs: 131_000 };

/** Each lane did ten slices, but for those that are not back. */
const resultsOf = (lanes: readonly (readonly { from: number; to: number }[])[], out: readonly number[]) =>
  lanes.map(([stretch], lane) =>
    out.includes(lane) || stretch === undefined
      ? null
      : report({ counts: { upserted: 10_000 }, left: [{ from: stretch.from + 10, to: stretch.to }] }),
  );

/** One wave, at the end of which so many lanes are not back. */
function carriedOver(out: readonly number[], run = underWay): RunState {
  const wave = planWave(run, grant, times.startedMs);
  const results = resultsOf(wave.lanes, out);
  expect(verdictOf(run, wave, results, 0)).toBe('carry');
  return absorb(run, spec, wave, results, times);
}

describe('a lane that is not back', () => {
  it('keeps its work and its place: the next wave goes without both', () => {
    const run = carriedOver([5]);
    const [lane] = run.carried;
    expect(lane).toMatchObject({ wave: 3, lane: 5, boxStartsMs: 100_000 });
    expect(hasWork({ ...run, pending: [] })).toBe(true);
    expect(sliceCountOf(run.pending) + sliceCountOf(lane!.work)).toBe(10_000 - 150);
    const next = planWave(run, grant, times.startedMs);
    expect(next.lanes).toHaveLength(15);
    const dealt = [...next.lanes.flat(), ...next.undealt];
    for (const mine of lane!.work) expect(dealt.every(({ from, to }) => to <= mine.from || from >= mine.to)).toBe(true);
    const request = leaseRequest('r', run, spec, { maxLanes: 64, settleSeconds: 180 });
    expect(request).toMatchObject({ carried: 1, wanted: 64 });
  });

  it('is taken for one that did as much as the others at its server, and the rest is told when it is back', () => {
    const place = (server: string) => ({ server, lanes: 8, duty: 1 });
    const routes = [place('a'), place('b')];
    const wave = planWave(underWay, { ...grant, routes, independent: true }, times.startedMs);
    const out = wave.places!.findIndex(({ server }) => server === 'b');
    const spentAt = { a: [9, 9, 9], b: [5, 5, 5] };
    const results = resultsOf(wave.lanes, [out]).map((result, lane) => {
      const server = wave.places![lane]!.server as 'a' | 'b';
      const spent = spentAt[server];
      const busyMs = spent.reduce((sum, seconds) => sum + seconds * 1_000, 0);
      return result === null ? null : { ...result, busyMs, at: { server, scout: false, spent } };
    });
    const run = absorb(underWay, spec, wave, results, times);
    expect(run.feedback).toMatchObject({ lanes: 16, busyMs: 8 * 27_000 + 8 * 15_000 });
    const atB = run.feedback?.servers?.find(({ server }) => server === 'b');
    expect(atB).toMatchObject({ lanes: 8, spent: [40, 40, 40] });

    // It was answered 14 s into the next wave: in its own box, which began 32 s earlier, that is the fifth ten seconds.
    const next = planWave(run, { ...grant, routes, independent: true }, 132_000);
    const spent = [5, 5, 4, 0, 17];
    const at = { server: 'b', scout: false, spent, left: { firstRequests: 9, lastRequests: 1, seconds: 3 } };
    const late = { lane: run.carried[0]!, result: report({ busyMs: 31_000, requests: 31, at }) };
    const began = { startedMs: 132_000, endedMs: 163_000 };
    const quiet = next.lanes.map(() => report({ requests: 0, busyMs: 0 }));
    const { feedback, carried } = absorb(
      run,
      spec,
      follow(run, { ...next, isLast: true }, [late], 146_000),
      quiet,
      began,
    );
    expect(carried).toEqual([]);
    // Sixteen seconds are new; nothing is said of what was left when it began.
    expect(feedback).toMatchObject({ requests: 1, busyMs: 16_000 });
    expect(feedback?.servers).toEqual([expect.objectContaining({ server: 'b', spent: [0, 16] })]);
    expect(feedback?.servers?.[0]).not.toHaveProperty('left');
    expect(feedback?.lanes).toBeCloseTo(15 + 16 / 31);
  });

  it('is not likened to lanes that only looked where they were sent', () => {
    const routes = [
      { server: 'a', lanes: 4, duty: 1 },
      { server: null, lanes: 2, duty: 1, once: true as const },
    ];
    const wave = planWave(underWay, { ...grant, lanes: 6, routes, independent: true }, 0);
    const at = { server: 'a', scout: false, spent: [10, 10, 10] };
    const out = wave.places!.findIndex(({ server }) => server === 'a');
    const results = wave.places!.map((place, lane) =>
      lane === out ? null : report(place.once ? { busyMs: 2_000, at: { ...at, scout: true, spent: [2] } } : { at }),
    );
    const [lane] = absorb(underWay, spec, wave, results, times).carried;
    expect(lane).toMatchObject({ server: 'a', busyMs: 30_000 });
    // A lane that was to look has not been answered yet.
    const scout = wave.places!.findIndex(({ once }) => once === true);
    const others = wave.places!.map((_, at_) => (at_ === scout ? null : report({ at })));
    expect(absorb(underWay, spec, wave, others, times).carried).toMatchObject([
      { server: null, busyMs: 0, requests: 0 },
    ]);
  });

  it('that was refused by the limit its wave has met already does not tell it a second time', () => {
    const throttles = { executionTime: 1 };
    for (const [before, told] of [
      [{}, throttles],
      [throttles, {}],
    ]) {
      const wave = planWave(underWay, grant, times.startedMs);
      const results = resultsOf(wave.lanes, [0]).map((result) =>
        result === null ? null : { ...result, throttles: before! },
      );
      const run = absorb(underWay, spec, wave, results, times);
      const late = { lane: run.carried[0]!, result: report({ throttles }) };
      const next = follow(run, planWave(run, grant, times.startedMs), [late], times.startedMs + 1_500);
      expect(
        absorb(
          run,
          spec,
          next,
          next.lanes.map(() => report({})),
          times,
        ).feedback?.throttles,
      ).toEqual(told);
    }
  });

  it('is followed by another with what it left, once it is back in good order', () => {
    const run = carriedOver([5, 6]);
    const wave = planWave(run, grant, times.startedMs);
    expect([0, 1_500, 4_000, 10_000].map((sinceMs) => nextLookMs(run, wave, sinceMs))).toEqual([
      1_500,
      4_000,
      10_000,
      undefined,
    ]);
    expect(nextLookMs(underWay, wave, 0)).toBeUndefined();
    const left = [{ from: run.carried[0]!.work[0]!.from + 12, to: run.carried[0]!.work[0]!.to }];
    const [first, second] = run.carried as readonly [CarriedLane, CarriedLane];
    const followed = follow(run, wave, [{ lane: first, result: report({ left }) }], times.startedMs + 1_500);
    expect(followed.lanes.slice(wave.lanes.length)).toEqual([left]);
    const failed = { lost: second.work, detail: 'The host went away.' };
    const troubled = follow(run, followed, [{ lane: second, result: failed }], times.startedMs + 4_000);
    expect(troubled.lanes).toHaveLength(15);
    expect(sliceCountOf(troubled.undealt) - sliceCountOf(followed.undealt)).toBe(sliceCountOf(second.work));
  });

  it('is followed where it was, and what its place was allowed before is gone', () => {
    const routes = [
      { server: 'a', lanes: 8, duty: 1, pace: [4, 8, 12] },
      { server: 'b', lanes: 8, duty: 0.5, pace: [2, 4, 6] },
    ];
    const grantB = { ...grant, routes, independent: true };
    const wave = planWave(underWay, grantB, times.startedMs);
    const out = wave.places!.findIndex(({ server }) => server === 'b');
    const run = absorb(underWay, spec, wave, resultsOf(wave.lanes, [out]), times);
    const next = planWave(run, grantB, times.startedMs);
    expect(next.places!.filter(({ server }) => server === 'b')).toHaveLength(7);
    const late = { lane: run.carried[0]!, result: report({ left: [{ from: 1, to: 2 }] }) };
    expect(follow(run, next, [late], times.startedMs + 12_000).places!.at(-1)).toMatchObject({
      server: 'b',
      pace: [0, 2, 4],
    });
  });

  it('is waited for outside a wave without another wave being counted', () => {
    const run = { ...carriedOver([5]), feedback: null };
    const [lane] = run.carried;
    const late = { lane: lane!, result: report({ counts: { upserted: 500 }, left: lane!.work }) };
    const landed = absorb(run, spec, follow(run, noWave(run, times.startedMs), [late], 0), [], times);
    expect(landed).toMatchObject({ wave: run.wave, carried: [], counts: { upserted: 151_500 } });
    // It says nothing of how busy lanes are.
    expect(landed.feedback).toMatchObject({ lanes: 1, requests: 0 });
    expect(sliceCountOf(landed.pending)).toBe(10_000 - 150);
  });
});

describe('a lane that comes back refused before the governor has heard of its wave', () => {
  const told = '2026-01-01T00:05:00.000Z';
  const landed = (at?: LaneReport['at']) => {
    const run = carriedOver([5]);
    const result = report({ end: 'throttled', throttles: { executionTime: 1 }, waitMs: 40_000, ...(at && { at }) });
    const late = { lane: { ...run.carried[0]!, metLimit: false }, result };
    return { run, after: absorb(run, spec, follow(run, noWave(run, times.startedMs), [late], 0), [], times) };
  };

  it('tells the refusal and the wait with it', () => {
    const { run, after } = landed();
    expect(after.feedback).toEqual({ ...run.feedback, throttles: { executionTime: 1 }, waitMs: 40_000 });
  });

  it('names the server that refused', () => {
    const { after } = landed({ server: 'a', scout: false, spent: [], refusedAt: told, notBeforeAt: told });
    expect(after.feedback?.servers).toMatchObject([
      { server: 'a', notBeforeAt: told, throttles: { executionTime: 1 } },
    ]);
  });
});

describe('the end of a wave', () => {
  const wave = planWave(underWay, grant, times.startedMs);
  const verdict = (results: readonly (LaneResult | null)[], run = underWay, waits = 0) =>
    verdictOf(run, wave, results, waits);

  it('does not wait for a few lanes, and waits a little, then for all, when it is many', () => {
    expect(verdict(resultsOf(wave.lanes, [1, 2, 3, 4]))).toBe('carry');
    const many = resultsOf(wave.lanes, [1, 2, 3, 4, 5]);
    expect([0, 1, 2, 5].map((waits) => verdict(many, underWay, waits))).toEqual([
      { waitMs: 1_000 },
      { waitMs: 2_000 },
      { waitMs: 4_000 },
      'land',
    ]);
  });

  it.each([
    ['a lane was lost with its host', { lost: [{ from: 0, to: 1 }], detail: 'gone' }],
    ['the environment gave no answer', report({ end: 'unavailable', left: [{ from: 0, to: 1 }] })],
    ['the environment refused the run', report({ end: 'refused' })],
    ['the run was cancelled', report({ end: 'cancelled' })],
    ['everybody was told to wait', report({ end: 'throttled', waitMs: 9_000 })],
  ])('waits for all lanes when %s', (_why, result: LaneResult) => {
    const results = resultsOf(wave.lanes, [1]);
    expect(verdict([result, ...results.slice(1)])).toBe('land');
  });

  it('comes before that of its box when all but a few lanes have ended theirs', () => {
    const long = { ...wave, boxSeconds: 120 };
    expect([0, 30_000, 60_000, 90_000].map((sinceMs) => nextLookMs(underWay, long, sinceMs))).toEqual([
      30_000,
      60_000,
      90_000,
      undefined,
    ]);
    expect(isOverEarly(underWay, long, resultsOf(wave.lanes, [1, 2, 3, 4]))).toBe(true);
    expect(isOverEarly(underWay, long, resultsOf(wave.lanes, [1, 2, 3, 4, 5]))).toBe(false);
  });

  it('is that of its only lane, without whom nobody would go on', () => {
    const alone = planWave(underWay, { ...grant, lanes: 1 }, times.startedMs);
    const results = resultsOf(alone.lanes, [0]);
    expect(isOverEarly(underWay, { ...alone, boxSeconds: 120 }, results)).toBe(false);
    expect(verdictOf(underWay, { ...alone, undealt: [{ from: 0, to: 1 }] }, results, 0)).toEqual({ waitMs: 1_000 });
  });

  it('does not wait for all when only one server told to wait', () => {
    const at = { server: 'a', scout: false, spent: [] };
    const refused = report({ end: 'throttled', waitMs: 9_000, left: [{ from: 0, to: 1 }], at });
    const results = [refused, ...resultsOf(wave.lanes, [1]).slice(1)];
    expect(verdictOf(underWay, { ...wave, independent: true }, results, 0)).toBe('carry');
    expect(verdictOf(underWay, wave, results, 0)).toBe('land');
  });

  it('waits for all lanes when nothing else is to do, before a new generation, and behind the canary', () => {
    const nothingLeft = wave.lanes.map((_, lane) => (lane === 1 ? null : report({ end: 'done' })));
    expect(verdictOf(underWay, { ...wave, undealt: [] }, nothingLeft, 0)).toBe('land');
    const results = resultsOf(wave.lanes, [1]);
    expect(verdict(results, { ...underWay, historyEvents: 1_900 })).toBe('land');
    expect(verdict(results, { ...underWay, counts: { rejected: 3 } })).toBe('land');
  });

  it('leaves nothing to wait for before a generation or a run ends, a hold or a wait', () => {
    const run = carriedOver([5]);
    expect(needsQuiet(run)).toBe(false);
    expect(needsQuiet({ ...run, holdSeconds: 15 })).toBe(true);
    expect(needsQuiet({ ...run, pending: [] })).toBe(true);
    expect(needsQuiet({ ...run, historyEvents: 2_000 })).toBe(true);
    // Fewer lanes than are out: no wave at all.
    expect(planWave(run, { ...grant, lanes: 1 }, 0).lanes).toEqual([]);
  });

  it('comes the later, the longer the shortest requests take, within bounds', () => {
    const fit = { ...underWay.fit, rowMs: 24.7 };
    expect([1, 34, 100, 400].map((rows) => graceOf(fit, rows))).toEqual(
      [...[1, 34, 100, 400].map((rows) => graceOf(fit, rows))].sort((a, b) => a - b),
    );
    expect(graceOf(fit, 1_000)).toBe(3_000);
    expect(graceOf(underWay.fit, 100)).toBe(1_000);
  });
});

describe('the box of a wave that is to be the last', () => {
  const boxOf = (slices: number): number =>
    planWave({ ...underWay, pending: [{ from: 0, to: slices }] }, { ...grant, boxSeconds: 60 }, 0).boxSeconds;

  it('ends before lanes run out of work, and what is left is dealt once more', () => {
    // Sixteen lanes do eight slices a second.
    expect(boxOf(481)).toBe(60);
    expect(boxOf(400)).toBeCloseTo(0.8 * 50);
    expect(boxOf(64)).toBeCloseTo(8);
    expect(boxOf(2)).toBe(4);
  });

  it('is what was granted while nothing is known of how fast lanes are', () => {
    expect(planWave({ ...underWay, slicesPerLaneSecond: null }, grant, 0).boxSeconds).toBe(30);
  });
});

describe('whoever is late, and however late', () => {
  it('every slice is done once, and there are never more lanes out than were granted', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 40, maxLength: 120 }), (choices) => {
        let at = 0;
        const choose = (below: number): number => (choices[at++ % choices.length] ?? 0) % below;
        const slices = 300;
        let run: RunState = {
          ...underWay,
          source: { rowCount: slices, sliceCount: slices },
          pending: [{ from: 0, to: slices }],
        };
        run = { ...run, counts: { upserted: 1 } };
        const done = new Set<number>();
        /** Works off some of a lane's slices. */
        const work = (stretches: readonly { from: number; to: number }[]): LaneReport => {
          const all = stretches.flatMap(({ from, to }) =>
            Array.from({ length: to - from }, (_, slice) => from + slice),
          );
          const now = all.slice(0, choose(12));
          for (const slice of now) {
            expect(done.has(slice)).toBe(false);
            done.add(slice);
          }
          const left = all.slice(now.length).map((from) => ({ from, to: from + 1 }));
          return report({ end: left.length === 0 ? 'done' : 'box', counts: { upserted: now.length }, left });
        };
        for (let wave = 0; wave < 400 && hasWork(run); wave += 1) {
          const lanes = 1 + choose(12);
          const late = (carried: readonly CarriedLane[]) =>
            carried.filter(() => choose(3) === 0).map((lane) => ({ lane, result: work(lane.work) }));
          const wanted: Grant = { ...grant, lanes, boxSeconds: 1 + choose(20) };
          let next = needsQuiet(run) ? noWave(run, times.startedMs) : planWave(run, wanted, times.startedMs);
          if (next.lanes.length > 0) expect(next.lanes.length + run.carried.length).toBeLessThanOrEqual(lanes);
          const isWave = next.lanes.length > 0;
          const before = next.late.length;
          next = follow(
            run,
            next,
            isWave ? late(run.carried) : run.carried.map((lane) => ({ lane, result: work(lane.work) })),
            1_500,
          );
          expect(next.lanes.length + run.carried.length - (next.late.length - before)).toBeLessThanOrEqual(
            Math.max(lanes, run.carried.length),
          );
          const results = next.lanes.map((stretches) => (choose(4) === 0 ? null : work(stretches)));
          const verdict = isWave ? verdictOf(run, next, results, 9) : 'land';
          const finished =
            verdict === 'carry' ? results : results.map((result, lane) => result ?? work(next.lanes[lane] ?? []));
          if (verdict !== 'carry')
            next = follow(
              run,
              { ...next, isLast: true },
              run.carried
                .filter((lane) => !next.late.some((known) => known.lane === lane))
                .map((lane) => ({ lane, result: work(lane.work) })),
              2_000,
            );
          run = absorb(run, spec, next, finished, times);
          expect(run.feedback?.lanes).toBeGreaterThan(0);
          if (choose(2) === 0) run = { ...run, feedback: null };
        }
        expect(hasWork(run)).toBe(false);
        expect(done.size).toBe(slices);
        expect(run.carried).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
