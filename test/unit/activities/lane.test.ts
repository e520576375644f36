import { describe, expect, it, vi } from 'vitest';
import { RequestRejectedError, ThrottledError, TransientError } from '../../../src/dataverse/errors.ts';
import type { Part } from '../../../src/ledger/parts.ts';
import { SourceChangedError } from '../../../src/source/blob-source.ts';
import { createMemoryLedger, type MemoryLedger } from '../../support/memory-ledger.ts';
import { booksOf, createScene } from './lane-scene.ts';

describe('a lane', () => {
  it('sends its stretches in requests that end with their slice, and commits a part a slice', async () => {
    const scene = createScene();
    const report = await scene.send([{ from: 0, to: 3 }]);
    expect(report).toMatchObject({ end: 'done', left: [], counts: { upserted: 30 }, requests: 9 });
    expect(report.sends).toMatchObject({ requests: 9, rows: 30, ms: 900 });
    expect(scene.requests.map((rows) => rows.length)).toEqual([4, 4, 2, 4, 4, 2, 4, 4, 2]);
    expect(booksOf(scene.ledger, 30).proof).toEqual({ tiles: true, parts: 3, rowsCovered: 30, sumsAgree: true });
  });

  it('rejects rows that cannot be mapped, in their place, and sends the others', async () => {
    const scene = createScene({ rowCount: 10, bad: [1, 5, 6, 10] });
    const report = await scene.send([{ from: 0, to: 1 }]);
    expect(report.counts).toEqual({ upserted: 6, rejected: 4 });
    expect(scene.requests.flat()).toEqual([2, 3, 4, 7, 8, 9]);
    expect(
      scene.ledger
        .run('r')
        .parts.get(1)
        ?.exceptions.map(({ row, from, to }) => [row, from, to]),
    ).toEqual([
      [1, 0, 4],
      [5, 20, 24],
      [6, 25, 29],
      [10, 45, 49],
    ]);
  });

  it('sends nothing for a slice of which every row is rejected', async () => {
    const scene = createScene({ rowCount: 10, bad: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] });
    expect(await scene.send([{ from: 0, to: 1 }])).toMatchObject({
      end: 'done',
      counts: { rejected: 10 },
      requests: 0,
    });
  });

  it('stops at once when it has rejected more rows than the run tolerates', async () => {
    const scene = createScene({ bad: [2, 7, 8, 15], mostRejected: 2 });
    const report = await scene.send([{ from: 0, to: 3 }]);
    expect(report).toMatchObject({ end: 'box', counts: { upserted: 7, rejected: 3 }, left: [{ from: 1, to: 3 }] });
  });

  it('stops when its box ends, commits what is done, and says what is left', async () => {
    const scene = createScene({
      before: (rows, at) => {
        if (rows.includes(15)) at.nowMs = 60_000;
      },
    });
    const report = await scene.send([
      { from: 0, to: 2 },
      { from: 2, to: 3 },
    ]);
    expect(report).toMatchObject({ end: 'box', counts: { upserted: 18 } });
    expect(report.left).toEqual([
      { from: 1, to: 2, cursor: 19 },
      { from: 2, to: 3 },
    ]);
    expect(await scene.send(report.left)).toMatchObject({ end: 'done', counts: { upserted: 12 } });
    expect(scene.requests.flat()).toEqual(Array.from({ length: 30 }, (_, at) => at + 1));
    expect(booksOf(scene.ledger, 30).proof.tiles).toBe(true);
  });

  it('rests as long as its duty asks, and never beyond its box', async () => {
    const scene = createScene({
      duty: 0.5,
      before: (_, at, log) => {
        at.nowMs += 100;
        if (log !== undefined) log.busyMs += 100;
      },
    });
    const report = await scene.send([{ from: 0, to: 3 }]);
    expect(report).toMatchObject({ end: 'done', busyMs: 900 });
    expect(scene.sleptMs).toBe(800);
  });

  it('makes a request that has to wait for its rest as small as the end of the box then asks for', async () => {
    const scene = createScene({
      duty: 0.5,
      before: (_rows, at, log) => {
        at.nowMs += 29_950;
        if (log !== undefined) log.busyMs += 29_940;
      },
    });
    await scene.send([{ from: 0, to: 3 }]);
    // It is sent 110 ms before the end, and a row takes 25 ms.
    expect(scene.requests.map((rows) => rows.length)).toEqual([4, 2]);
  });

  it('ends its box when the environment recommends quite another number', async () => {
    const scene = createScene({
      before: (rows, _, log) => {
        if (rows.includes(5) && log !== undefined) log.dopHint = 12;
      },
    });
    const report = await scene.send([{ from: 0, to: 3 }]);
    expect(report).toMatchObject({ end: 'box', dopHint: 12, left: [{ from: 0, to: 3, cursor: 9 }] });
  });

  it('ends its box when it was refused twice in it', async () => {
    const scene = createScene({
      before: (rows, _, log) => {
        if (rows.includes(1)) log?.throttles.push({ facet: 'executionTime', retryAfterMs: 1_000 });
        if (rows.includes(9)) log?.throttles.push({ facet: 'executionTime', retryAfterMs: 1_000 });
      },
    });
    const report = await scene.send([{ from: 0, to: 3 }]);
    expect(report).toMatchObject({ end: 'box', throttles: { executionTime: 2 } });
    expect(report.left).toEqual([{ from: 1, to: 3 }]);
  });

  it('sends nothing after it was cancelled', async () => {
    const scene = createScene({
      before: (rows, at) => {
        if (rows.includes(5)) at.ledger.run('r').stop = 'cancelled';
      },
    });
    const report = await scene.send([{ from: 0, to: 3 }]);
    expect(report).toMatchObject({ end: 'cancelled', counts: { upserted: 8 }, left: [{ from: 0, to: 3, cursor: 9 }] });
    expect(scene.requests).toHaveLength(2);
  });

  it.each(['cancelled', 'paused'] as const)('waits no longer for the environment once the run is %s', async (mark) => {
    const scene = createScene({
      before: async (rows, at, log, signal) => {
        if (!rows.includes(5)) return;
        if (log !== undefined) log.requests = 0;
        at.ledger.run('r').stop = mark;
        const stopped = new Promise<never>((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
        // One look, and the time of grace.
        for (const wake of at.ticks.splice(0)) wake();
        await vi.waitFor(() => expect(at.ticks).toHaveLength(1));
        for (const wake of at.ticks.splice(0)) wake();
        await stopped;
      },
    });
    const report = await scene.send([{ from: 0, to: 3 }]);
    expect(report).toMatchObject({ end: mark, counts: { upserted: 4 }, left: [{ from: 0, to: 3, cursor: 5 }] });
  });

  it.each([
    ['throttled', new ThrottledError({ facet: 'concurrency', retryAfterMs: 37_000 }), 37_000],
    ['unavailable', new TransientError('HTTP 503', { maybeCommitted: true, exhausted: true }), 0],
    ['refused', new RequestRejectedError('no privilege', {}), 0],
  ] as const)(
    'ends as %s when a request cannot be settled, and leaves its rows pending',
    async (end, error, waitMs) => {
      const scene = createScene({
        before: (rows) => {
          if (rows.includes(5)) throw error;
        },
      });
      const report = await scene.send([{ from: 0, to: 3 }]);
      expect(report).toMatchObject({
        end,
        waitMs,
        counts: { upserted: 4 },
        left: [{ from: 0, to: 3, cursor: 5 }],
        requests: 2,
      });
    },
  );

  it('sends nothing before it knows what other hosts were ordered, and notes what it is ordered itself', async () => {
    const wait = { sender: 0, server: null, facet: 'requests', notBeforeAt: '2026-01-01T00:00:00.000Z' } as const;
    const recall: { end?: () => void } = {};
    const scene = createScene({
      rowCount: 4,
      recallWaits: async () => new Promise((end) => (recall.end = end)),
      before: (_rows, _scene, log) => log?.ordered?.(wait),
    });
    const sent = scene.send([{ from: 0, to: 1 }]);
    await vi.waitFor(() => expect(scene.ledger.run('r').begun.size).toBe(1));
    expect(scene.requests).toHaveLength(0);
    recall.end?.();
    expect(await sent).toMatchObject({ end: 'done' });
    expect(scene.ordered).toEqual([wait]);
  });

  it('adopts what an earlier life committed instead of sending it again', async () => {
    const ledger = createMemoryLedger();
    await new Promise<void>((died) => {
      // A life that is killed: its request is never answered, and nothing comes after it.
      const killed = createScene({
        ledger,
        before: (rows) => {
          if (!rows.includes(25)) return undefined;
          died();
          return new Promise<never>(() => undefined);
        },
      });
      void killed.send([{ from: 0, to: 3 }]);
    });
    const again = createScene({ ledger });
    expect(await again.send([{ from: 0, to: 3 }])).toMatchObject({ end: 'done', counts: { upserted: 30 } });
    expect(again.requests.flat()).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
    expect(booksOf(ledger, 30).proof.tiles).toBe(true);
  });

  it('commits what is settled, and reports it, when something else than the service fails', async () => {
    const scene = createScene({
      before: (rows) => {
        if (rows.includes(15)) throw new Error('the storage is away');
      },
    });
    const report = await scene.send([{ from: 0, to: 3 }]);
    expect(report).toMatchObject({ end: 'unavailable', detail: 'the storage is away', counts: { upserted: 14 } });
    expect(report.left).toEqual([{ from: 1, to: 3, cursor: 15 }]);
    expect(await createScene({ ledger: scene.ledger }).send(report.left)).toMatchObject({
      end: 'done',
      counts: { upserted: 16 },
    });
    expect(booksOf(scene.ledger, 30).proof.tiles).toBe(true);
  });

  it('counts a part once when the part after it cannot be written', async () => {
    const ledger = createMemoryLedger();
    const commitPart = ledger.commitPart.bind(ledger);
    const failing = {
      ...ledger,
      commitPart: async (runId: string, part: Part) =>
        part.firstRow > 10 ? Promise.reject(new Error('disk full')) : commitPart(runId, part),
    };
    const report = await createScene({ ledger: failing }).send([{ from: 0, to: 3 }]);
    expect(report).toMatchObject({
      end: 'unavailable',
      detail: 'disk full',
      counts: { upserted: 10 },
      left: [{ from: 1, to: 3 }],
    });
  });

  it('ends the run when the source is no longer the version it began with', async () => {
    const pin = { container: 'sources', blob: 'a.csv', etag: '"1"', bytes: 1 };
    const scene = createScene({ sourceError: new SourceChangedError(pin, undefined) });
    expect(await scene.send([{ from: 0, to: 3 }])).toMatchObject({ end: 'refused', left: [{ from: 0, to: 3 }] });
  });

  it('takes rows behind the end of a box for rows never sent', async () => {
    const ledger = createMemoryLedger();
    const first = createScene({
      ledger,
      operation: 'create',
      before: (rows, at) => {
        if (rows.includes(4)) at.nowMs = 60_000;
      },
    });
    const { left } = await first.send([{ from: 0, to: 1 }]);
    expect(left).toEqual([{ from: 0, to: 1, cursor: 5 }]);
    expect(await ledger.markIntent('r', 5)).toBe(true);
  });

  it('is no repeat where the one before it was stopped between its mark and its first request', async () => {
    const ledger = createMemoryLedger();
    const stoppedAtMark: MemoryLedger = {
      ...ledger,
      async markIntent(runId, firstRow) {
        ledger.run('r').stop = 'paused';
        return ledger.markIntent(runId, firstRow);
      },
    };
    const before = createScene({ ledger: stoppedAtMark });
    expect(await before.send([{ from: 0, to: 1 }])).toMatchObject({ end: 'paused', requests: 0 });
    const { untouched, contested } = ledger.run('r');
    expect(untouched).toEqual(new Set([1]));

    delete ledger.run('r').stop;
    const after = createScene({
      ledger,
      before: (_rows, at) => {
        at.nowMs = 60_000;
      },
    });
    expect(await after.send([{ from: 0, to: 1 }])).toMatchObject({ end: 'box', left: [{ from: 0, to: 1, cursor: 5 }] });
    // Nothing is doubtful: a cancel now has no rows to look up.
    expect([untouched, contested]).toEqual([new Set(), new Set()]);
  });

  it('takes rows whose request was never settled for rows that may have been sent', async () => {
    const ledger = createMemoryLedger();
    const scene = createScene({
      ledger,
      operation: 'create',
      before: (rows) => {
        if (rows.includes(5)) throw new TransientError('no answer', { maybeCommitted: true, exhausted: true });
      },
    });
    expect((await scene.send([{ from: 0, to: 1 }])).left).toEqual([{ from: 0, to: 1, cursor: 5 }]);
    expect(await ledger.markIntent('r', 5)).toBe(false);
  });

  it('gives way to a twin that committed first, and goes on behind it', async () => {
    const ledger = createMemoryLedger();
    const scene = createScene({
      ledger,
      before: (rows) => {
        if (rows.includes(9) && !ledger.run('r').parts.has(1)) {
          ledger.run('r').parts.set(1, {
            firstRow: 1,
            rowCount: 6,
            counts: { upserted: 6 },
            recovered: 0,
            bytes: { from: 0, to: 29, sha256: '' },
            exceptions: [],
          });
        }
      },
    });
    const report = await scene.send([{ from: 0, to: 3 }]);
    expect(report).toMatchObject({ end: 'done', counts: { upserted: 30 } });
    expect([...ledger.run('r').parts.values()].map((part) => [part.firstRow, part.rowCount])).toEqual([
      [1, 6],
      [7, 4],
      [11, 10],
      [21, 10],
    ]);
  });

  describe('that finds slice after slice of lives nobody heard of again', () => {
    /** A life that never comes back from the request with row 15; the parts before it are there. */
    const dyingAt15 = (ledger: MemoryLedger) =>
      createScene({
        ledger,
        before: async (rows) => {
          if (rows.includes(15)) await new Promise<never>(() => undefined);
        },
      });
    async function loseLives(ledger: MemoryLedger, lives: number, more: { readonly alone?: true } = {}) {
      for (let life = 0; life < lives; life += 1) {
        const scene = dyingAt15(ledger);
        void scene.send([{ from: 0, to: 3 }], more);
        await vi.waitFor(() => expect(scene.requests.at(-1)).toContain(15));
      }
    }

    it('tries it five times, leaves it alone then, and does the others', async () => {
      const ledger = createMemoryLedger();
      await loseLives(ledger, 5);
      expect(ledger.run('r').lives).toEqual(new Map([['lane 11', 5]]));
      const scene = dyingAt15(ledger);
      const report = await scene.send([{ from: 0, to: 3 }]);
      expect(report).toMatchObject({ end: 'done', left: [], poisoned: [{ from: 1, to: 2 }], counts: { upserted: 20 } });
      expect(scene.requests.flat()).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
      // Whoever comes to the same end adopts what the one before has done behind it.
      const again = dyingAt15(ledger);
      expect(await again.send([{ from: 0, to: 3 }])).toMatchObject({
        poisoned: [{ from: 1, to: 2 }],
        counts: { upserted: 20 },
      });
      expect(again.requests).toEqual([]);
    });

    it('counts those that were killed by what they read, before anything was sent', async () => {
      const ledger = createMemoryLedger();
      const sourceError = new Promise<never>(() => undefined);
      for (let life = 1; life <= 5; life += 1) {
        void createScene({ ledger, sourceError }).send([{ from: 0, to: 1 }]);
        await vi.waitFor(() => expect(ledger.run('r').lives.get('lane 1') ?? 1).toBe(life));
      }
      expect(await createScene({ ledger, sourceError }).send([{ from: 0, to: 1 }])).toMatchObject({
        end: 'done',
        poisoned: [{ from: 0, to: 1 }],
      });
    });

    it('leaves no mark that counts where the source cannot be read', async () => {
      const ledger = createMemoryLedger();
      const broken = createScene({ ledger, sourceError: new Error('Storage does not answer.') });
      expect(await broken.send([{ from: 0, to: 1 }])).toMatchObject({ end: 'unavailable' });
      expect(ledger.run('r').untouched).toEqual(new Set([1]));
      await createScene({ ledger }).send([{ from: 0, to: 1 }]);
      expect([ledger.run('r').untouched, ledger.run('r').contested]).toEqual([new Set(), new Set()]);
    });

    it('tries it three times more when it is alone', async () => {
      const ledger = createMemoryLedger();
      await loseLives(ledger, 5);
      await loseLives(ledger, 3, { alone: true });
      const report = await dyingAt15(ledger).send([{ from: 1, to: 2 }], { alone: true });
      expect(report).toMatchObject({ end: 'done', requests: 0, poisoned: [{ from: 1, to: 2 }] });
    });

    it('forgets lives when one of them is heard of, and costs nothing where none is lost', async () => {
      const ledger = createMemoryLedger();
      await loseLives(ledger, 4);
      const scene = createScene({
        ledger,
        before: (rows) => {
          if (rows.includes(15)) throw new TransientError('no answer', { maybeCommitted: true, exhausted: true });
        },
      });
      // It got behind row 11: what may kill begins elsewhere now.
      expect(await scene.send([{ from: 1, to: 2 }])).toMatchObject({ end: 'unavailable' });
      expect(ledger.run('r').parts.get(11)?.rowCount).toBe(4);

      const other = createMemoryLedger();
      await loseLives(other, 4);
      const unheard = createScene({
        ledger: other,
        before: (rows) => {
          if (rows.includes(11)) throw new TransientError('no answer', { maybeCommitted: true, exhausted: true });
        },
      });
      expect(await unheard.send([{ from: 1, to: 2 }])).toMatchObject({
        end: 'unavailable',
        left: [{ from: 1, to: 2 }],
      });
      expect(other.run('r').lives).toEqual(new Map());

      const calm = createMemoryLedger();
      const count = vi.spyOn(calm, 'countLife');
      await createScene({ ledger: calm }).send([{ from: 0, to: 3 }]);
      expect(count).not.toHaveBeenCalled();
    });
  });
});
