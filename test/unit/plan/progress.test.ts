import { describe, expect, it } from 'vitest';
import { beginRun, type RunState } from '../../../src/plan/run-state.ts';
import { held, statusOf, withLive } from '../../../src/plan/progress.ts';

const startedAt = '2026-11-23T08:00:00.000Z';
const run: RunState = {
  ...beginRun({ rowCount: 10_000, sliceCount: 10 }, 48, startedAt),
  counts: { upserted: 1_000 },
  wave: 3,
  rowsPerSecond: 24,
};
const { progress } = statusOf('running', run, { lanes: 48 });
const tally = { wave: 3, counts: {}, requests: 10, throttled: 1 };
const secondsLater = (seconds: number) => ({
  waveStartedAt: startedAt,
  nowMs: Date.parse(startedAt) + seconds * 1_000,
});

describe('progress inside a wave', () => {
  if (progress === null) throw new Error('A running run has progress.');

  it('counts what every host instance did in this wave, and nothing of another', () => {
    const live = [
      { ...tally, rows: 1_500, counts: { upserted: 1_400, rejected: 100 } },
      { ...tally, rows: 500, counts: { upserted: 500 } },
      { ...tally, rows: 700, wave: 2 },
    ];
    expect(withLive(progress, live, secondsLater(1))).toMatchObject({
      rowsDone: 3_000,
      counts: { upserted: 2_900, rejected: 100 },
      requests: 20,
      throttled: 2,
    });
  });

  it('has no rate while the run is held', () => {
    expect(statusOf('closing', run).progress).toMatchObject({ rowsDone: 1_000 });
    expect(held(progress)).toMatchObject({ rowsPerSecond: null, lanes: 0, rowsDone: 1_000 });
  });

  it('has the rate of the wave itself once it has lasted a little, and the last one until then', () => {
    const live = [{ ...tally, rows: 4_000 }];
    expect(withLive(progress, live, secondsLater(2))).toMatchObject({ rowsPerSecond: 24 });
    const afterCanary = { ...progress, rowsPerSecond: null };
    expect(withLive(afterCanary, live, secondsLater(10))).toMatchObject({ rowsPerSecond: 400 });
    // Half of the last twenty seconds are those of the wave before.
    expect(withLive(progress, live, secondsLater(10))).toMatchObject({ rowsPerSecond: 212 });
    expect(withLive(progress, live, secondsLater(40))).toMatchObject({ rowsPerSecond: 100 });
    expect(withLive(progress, [], secondsLater(10))).toMatchObject({ rowsPerSecond: 24 });
  });
});
