import { describe, expect, it } from 'vitest';
import { isContested, takeStanding } from '../../../src/activities/standing.ts';
import type { Lane } from '../../../src/activities/lane.ts';
import { BatchRejectedError, UnsettledError } from '../../../src/dataverse/errors.ts';
import type { ServiceFault } from '../../../src/dataverse/error-table.ts';
import type { Stretch } from '../../../src/plan/stretch.ts';
import { createMemoryLedger } from '../../support/memory-ledger.ts';
import { booksOf, createScene } from './lane-scene.ts';

const unsettled = () => new UnsettledError('rows were refused', { waitMs: 150_000 });
const at = (ms: number) => new Date(ms).toISOString();
const tooLong: ServiceFault = {
  class: 'tooLarge',
  httpStatus: 500,
  code: '0x80044151',
  message: 'SQL timeout expired',
};
const absent: ServiceFault = { class: 'absent', httpStatus: 404, code: '0x80040217', message: 'Does Not Exist' };

describe('a lane whose rows may still change by themselves', () => {
  it('sets the slice aside, goes on with the others, and sleeps through nothing', async () => {
    const scene = createScene({
      before: (rows) => {
        if (rows.includes(5)) throw unsettled();
      },
    });
    const report = await scene.send([{ from: 0, to: 3 }]);
    expect(report).toMatchObject({ end: 'done', counts: { upserted: 24 }, waitMs: 0 });
    expect(report.left).toEqual([{ from: 0, to: 1, cursor: 5, notBeforeAt: at(150_000) }]);
    expect(scene.sleptMs).toBe(0);
    // Rows that are looked up should the run end before: the mark says that they were sent.
    expect(scene.ledger.run('r').begun).toContain(5);

    const ledger = scene.ledger;
    const again = createScene({ ledger });
    again.nowMs = 150_000;
    expect(await again.send(report.left)).toMatchObject({ end: 'done', left: [], counts: { upserted: 6 } });
    expect(again.requests.flat()).toEqual([5, 6, 7, 8, 9, 10]);
    expect(booksOf(ledger, 30).proof).toMatchObject({ tiles: true, sumsAgree: true });
  });

  it('ends when that goes on, and keeps what it has set aside', async () => {
    const scene = createScene({
      rowCount: 50,
      before: () => {
        throw unsettled();
      },
    });
    const report = await scene.send([{ from: 0, to: 5 }]);
    expect(report).toMatchObject({ end: 'unavailable', detail: 'rows were refused', counts: {} });
    expect(report.left).toEqual([
      { from: 0, to: 1, notBeforeAt: at(150_000) },
      { from: 1, to: 2, notBeforeAt: at(150_000) },
      { from: 2, to: 3, notBeforeAt: at(150_000) },
      { from: 3, to: 5 },
    ]);
    expect(scene.requests).toHaveLength(3);
  });

  it('leaves a slice as it is that it cannot begin with', async () => {
    const scene = createScene();
    scene.nowMs = 200_000;
    const aside = { from: 0, to: 1, notBeforeAt: at(150_000) };
    scene.ledger.run('r').stop = 'paused';
    expect(await scene.send([aside])).toMatchObject({ end: 'paused', left: [aside] });
  });

  it('leaves a row open, rather than wait, that is refused for the hour while another life may have sent it', async () => {
    const ledger = createMemoryLedger();
    await ledger.markIntent('r', 1);
    const sendThrough = async (nowMs: number, left: readonly Stretch[]) => {
      const scene = createScene({
        ledger,
        rowCount: 1,
        before: (rows) => {
          const fault = rows.length > 0 ? tooLong : absent;
          throw new BatchRejectedError(fault, { httpStatus: fault.httpStatus, maybeCommittedBefore: false });
        },
      });
      scene.nowMs = nowMs;
      const report = await scene.send(left);
      expect(scene.sleptMs).toBe(0);
      return report;
    };
    const first = await sendThrough(0, [{ from: 0, to: 1 }]);
    // The box, what a frozen process may be late, and what the service may take: nothing comes later.
    const dueMs = 60_000 + 120_000 + 150_000;
    expect(first.left).toEqual([{ from: 0, to: 1, notBeforeAt: at(dueMs) }]);
    expect(await sendThrough(dueMs, first.left)).toMatchObject({ end: 'done', left: [], counts: { rejected: 1 } });
  });
});

describe('a lane that is told while it sends that a twin is at work in the slice', () => {
  const refused: ServiceFault = { class: 'row', httpStatus: 400, code: '0x80040265', message: 'no such parent yet' };

  it.each([
    [true, { upserted: 1 }, 2],
    [false, { rejected: 1 }, 1],
  ])('sends what was refused once more (a twin: %s)', async (isContested, counts, requests) => {
    const scene = createScene({
      rowCount: 1,
      before: async (_rows, { ledger, requests: sent }) => {
        if (sent.length > 1) return;
        if (isContested) await ledger.markContested('r', 1);
        throw new BatchRejectedError(refused, { httpStatus: 400, maybeCommittedBefore: false });
      },
    });
    expect(await scene.send([{ from: 0, to: 1 }])).toMatchObject({ end: 'done', counts });
    expect(scene.requests).toHaveLength(requests);
  });
});

describe('how a life stands to others', () => {
  const lane = (ledger = createMemoryLedger()) =>
    ({ deps: { ledger }, input: { runId: 'r' }, tally: {} }) as unknown as Lane;
  const slice = { firstRow: 1, rowCount: 10, from: 0, to: 50 };
  const due = at(1_000);

  it('is alone at its first mark, and a repeat among others at the second', async () => {
    const one = lane();
    expect(await takeStanding(one, slice, 1, undefined)).toEqual({ repeat: false, isAlone: true });
    expect(await takeStanding(one, slice, 1, undefined)).toEqual({ repeat: true, isAlone: false });
    // Further rows of that slice may have been sent by the other one.
    expect(await takeStanding(one, slice, 5, undefined)).toEqual({ repeat: true, isAlone: false });
  });

  it('is a repeat and alone where the slice was due again, until a twin comes', async () => {
    const one = lane();
    await takeStanding(one, slice, 1, undefined);
    await takeStanding(one, slice, 1, undefined);
    const standing = await takeStanding(one, slice, 1, due);
    if (standing === 'poisoned') throw new Error('One life is lost here at most.');
    expect(standing).toEqual({ repeat: true, isAlone: true, dueAt: due });
    expect(await isContested(one, slice, standing)).toBe(false);
    expect(await takeStanding(one, slice, 1, due)).toMatchObject({ repeat: true, isAlone: false });
    expect(await isContested(one, slice, standing)).toBe(true);
    // Whoever begins behind the first part meets the contest too; the next time it is due is another matter.
    expect(await takeStanding(one, slice, 5, due)).toMatchObject({ isAlone: false });
    expect(await takeStanding(one, slice, 1, at(2_000))).toMatchObject({ isAlone: true });
  });
});
