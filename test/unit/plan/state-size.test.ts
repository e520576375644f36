import { createRandom } from 'dataverse-emulator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { absorb } from '../../../src/plan/absorb.ts';
import type { LaneReport } from '../../../src/plan/lane.ts';
import { sendOf } from '../../../src/plan/request-size.ts';
import {
  beginRun,
  generationIsFull,
  granted,
  mostHistoryEvents,
  nextGeneration,
  type RunState,
} from '../../../src/plan/run-state.ts';
import { planWave, type LaneResult } from '../../../src/plan/wave.ts';
import { accountSpec } from '../../support/spec.ts';
import { sliceCountOf, splitStretch, type Stretch } from '../../../src/plan/stretch.ts';

const spec = accountSpec('upsert');

const rowsPerSlice = 1_000;
const sliceCount = 100_000;
/** The app's own bound. Payloads too large for a queue message are moved into a blob by the platform, which costs a call and no more. */
const mostStateBytes = 96 * 1_024;

/** A lane that got somewhere: done, in the middle of a slice, or lost with its host. */
function laneResult(work: readonly Stretch[], share: number, kind: number): LaneResult {
  if (kind < 0.03) return { lost: work, detail: 'The host went away. '.repeat(40) };
  let slices = Math.floor(sliceCountOf(work) * share);
  const left: Stretch[] = [];
  for (const stretch of work) {
    const length = stretch.to - stretch.from;
    const doneHere = Math.min(length, slices);
    slices -= doneHere;
    if (doneHere === length) continue;
    const [, rest] = doneHere === 0 ? [undefined, stretch] : splitStretch(stretch, doneHere);
    left.push(left.length === 0 && kind < 0.9 ? { ...rest, cursor: rest.from * rowsPerSlice + 501 } : rest);
  }
  const report: LaneReport = {
    end: left.length === 0 ? 'done' : 'box',
    left,
    counts: { upserted: 40_000, rejected: 3 },
    recovered: 0,
    requests: 400,
    rowsSent: 40_003,
    throttles: { executionTime: 2 },
    waitMs: 0,
    sends: sendOf(100, 2_617.123456),
    busyMs: 118_000,
    badRows: 3,
    dopHint: 1_024,
  };
  return report;
}

describe('the state of a run', () => {
  it('fits in a message at 1,024 lanes and 100 million rows, and a generation has a bounded history, whatever the lanes do', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 900, max: 1_024 }), (seed, mostLanes) => {
        const random = createRandom(seed);
        let run: RunState = beginRun(
          { rowCount: sliceCount * rowsPerSlice, sliceCount },
          1_024,
          '2026-01-01T00:00:00.000Z',
        );
        let largest = 0;
        for (let wave = 0; wave < 25 && run.pending.length > 0; wave += 1) {
          if (generationIsFull(run)) run = nextGeneration(run);
          const lanes = 1 + Math.floor(random.next() * mostLanes);
          const grant = {
            lanes,
            duty: 0.987654321,
            rowsPerRequest: 100,
            boxSeconds: 120,
            waitSeconds: 0,
            why: 'executionTime limit met',
          };
          run = granted(run, grant, '2026-01-01T00:00:00.000Z');
          const deal = planWave(run, grant, 0);
          const results = deal.lanes.map((work) => laneResult(work, random.next() ** 2 / 3, random.next()));
          const before = sliceCountOf(run.pending);
          run = absorb(run, spec, deal, results, { startedMs: 0, endedMs: 131_234 });
          expect(sliceCountOf(run.pending)).toBeLessThanOrEqual(before);
          // The last wave of a generation may be wider than the one that the decision to go on was made by.
          expect(run.historyEvents).toBeLessThanOrEqual(mostHistoryEvents + deal.lanes.length * 4 + 12);
          largest = Math.max(largest, Buffer.byteLength(JSON.stringify(run)));
        }
        expect(largest).toBeGreaterThan(10_000);
        expect(largest).toBeLessThan(mostStateBytes);
      }),
      { numRuns: 15 },
    );
  });
});
