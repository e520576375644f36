import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/dataverse/clock.ts';
import { ThrottledError } from '../../../src/dataverse/errors.ts';
import { createThrottleGate, type Pass, type ThrottleGate } from '../../../src/dataverse/throttle-gate.ts';
import { manualClock } from './support.ts';

const far = 10_000_000;
const told = (seconds: number) => ({ facet: 'concurrency', retryAfterMs: seconds * 1_000 }) as const;
const untold = { facet: 'requests', retryAfterMs: undefined } as const;

function setUp() {
  const clock = manualClock();
  const gate = createThrottleGate({ clock });
  return { clock, gate };
}

/** Enters and notes when the pass came. */
function entering(gate: ThrottleGate, clock: Clock) {
  const got: { pass: Pass; atMs: number }[] = [];
  return {
    got,
    enter: () => void gate.enter({ deadlineAtMs: far }).then((pass) => got.push({ pass, atMs: clock.now() })),
  };
}

describe('the throttle gate', () => {
  it('makes everybody wait for one throttle, then lets one go ahead and the others behind its answer', async () => {
    const { clock, gate } = setUp();
    gate.leave(await gate.enter({ deadlineAtMs: far }), told(37));
    const { got, enter } = entering(gate, clock);
    enter();
    enter();
    enter();
    await clock.advance(36_999);
    expect(got).toHaveLength(0);
    await clock.advance(1);
    expect(got.map(({ atMs }) => atMs)).toEqual([37_000]);
    await clock.advance(5_000);
    expect(got).toHaveLength(1);
    gate.leave(got[0]!.pass, 'answered');
    await clock.advance(0);
    expect(got.map(({ atMs }) => atMs)).toEqual([37_000, 42_000, 42_000]);
  });

  it('doubles what is on its way from round to round, until nobody waits', async () => {
    const { clock, gate } = setUp();
    gate.leave(await gate.enter({ deadlineAtMs: far }), told(10));
    const { got, enter } = entering(gate, clock);
    for (let waiter = 0; waiter < 10; waiter += 1) enter();
    await clock.advance(10_000);
    const rounds: number[] = [];
    for (let done = 0; done < 10;) {
      const round = got.slice(done);
      rounds.push(round.length);
      done += round.length;
      for (const { pass } of round) gate.leave(pass, 'answered');
      await clock.advance(100);
    }
    expect(rounds).toEqual([1, 2, 4, 3]);
    for (let more = 0; more < 10; more += 1) enter();
    await clock.advance(0);
    expect(got).toHaveLength(20);
  });

  it('starts with one again when a throttle comes on the way', async () => {
    const { clock, gate } = setUp();
    gate.leave(await gate.enter({ deadlineAtMs: far }), told(10));
    const { got, enter } = entering(gate, clock);
    for (let waiter = 0; waiter < 10; waiter += 1) enter();
    await clock.advance(10_000);
    gate.leave(got[0]!.pass, 'answered');
    await clock.advance(0);
    expect(got).toHaveLength(3);
    gate.leave(got[1]!.pass, told(10));
    gate.leave(got[2]!.pass, 'answered');
    await clock.advance(9_999);
    expect(got).toHaveLength(3);
    await clock.advance(1);
    expect(got).toHaveLength(4);
  });

  it('waits again, all of them, when the one that went ahead is throttled', async () => {
    const { clock, gate } = setUp();
    gate.leave(await gate.enter({ deadlineAtMs: far }), told(10));
    const { got, enter } = entering(gate, clock);
    enter();
    enter();
    await clock.advance(10_000);
    gate.leave(got[0]!.pass, told(20));
    await clock.advance(19_999);
    expect(got).toHaveLength(1);
    await clock.advance(1);
    expect(got.map(({ atMs }) => atMs)).toEqual([10_000, 30_000]);
  });

  it('sends another one ahead when the first gets no answer', async () => {
    const { clock, gate } = setUp();
    gate.leave(await gate.enter({ deadlineAtMs: far }), told(10));
    const { got, enter } = entering(gate, clock);
    enter();
    enter();
    await clock.advance(10_000);
    gate.leave(got[0]!.pass, 'lost');
    await clock.advance(0);
    expect(got).toHaveLength(2);
  });

  it('never shortens a wait, and takes the longest of those on their way', async () => {
    const { clock, gate } = setUp();
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => gate.enter({ deadlineAtMs: far })));
    gate.leave(first!, told(30));
    gate.leave(second!, told(5));
    gate.leave(third!, 'answered');
    const { got, enter } = entering(gate, clock);
    enter();
    await clock.advance(29_999);
    expect(got).toHaveLength(0);
    await clock.advance(1);
    expect(got).toHaveLength(1);
  });

  it('stays closed when a late throttle comes while one has gone ahead', async () => {
    const { clock, gate } = setUp();
    const [first, late] = await Promise.all([1, 2].map(() => gate.enter({ deadlineAtMs: far })));
    gate.leave(first!, told(10));
    const { got, enter } = entering(gate, clock);
    enter();
    enter();
    await clock.advance(10_000);
    gate.leave(late!, told(60));
    gate.leave(got[0]!.pass, 'answered');
    await clock.advance(59_999);
    expect(got).toHaveLength(1);
    await clock.advance(1);
    expect(got).toHaveLength(2);
  });

  it('doubles a wait that nobody told for each event, not for each answer of it', async () => {
    const { clock, gate } = setUp();
    const passes = await Promise.all([1, 2, 3].map(() => gate.enter({ deadlineAtMs: far })));
    expect(passes.map((pass) => gate.leave(pass, untold))).toEqual([30_000, 30_000, 30_000]);
    const { got, enter } = entering(gate, clock);
    enter();
    await clock.advance(30_000);
    expect(gate.leave(got[0]!.pass, untold)).toBe(60_000);
    enter();
    await clock.advance(60_000);
    gate.leave(got[1]!.pass, 'answered');
    expect(gate.leave(await gate.enter({ deadlineAtMs: far }), untold)).toBe(30_000);
  });

  it('refuses at once what would have to wait beyond its deadline, and says how long', async () => {
    const { clock, gate } = setUp();
    gate.leave(await gate.enter({ deadlineAtMs: far }), told(120));
    await clock.advance(20_000);
    const refused = await gate.enter({ deadlineAtMs: 60_000 }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ThrottledError);
    expect(refused).toMatchObject({ facet: 'concurrency', retryAfterMs: 100_000 });
  });

  it('refuses a waiter whose deadline passes while one has gone ahead', async () => {
    const { clock, gate } = setUp();
    gate.leave(await gate.enter({ deadlineAtMs: far }), told(10));
    const { enter } = entering(gate, clock);
    enter();
    await clock.advance(10_000);
    const waiter = gate.enter({ deadlineAtMs: 15_000 }).catch((error: unknown) => error);
    await clock.advance(5_000);
    expect(await waiter).toMatchObject({ kind: 'throttled', retryAfterMs: 1_000 });
  });

  it('sends without a wait whatever the deadline says', async () => {
    const { gate } = setUp();
    await expect(gate.enter({ deadlineAtMs: -1 })).resolves.toBeDefined();
  });

  it('lets a waiter go when its caller gives up, and the next one takes its place', async () => {
    const { clock, gate } = setUp();
    gate.leave(await gate.enter({ deadlineAtMs: far }), told(10));
    const stop = new AbortController();
    const given = gate.enter({ deadlineAtMs: far, signal: stop.signal }).catch((error: unknown) => error);
    const { got, enter } = entering(gate, clock);
    enter();
    await clock.advance(1_000);
    stop.abort(new Error('cancelled'));
    expect(await given).toMatchObject({ message: 'cancelled' });
    await clock.advance(9_000);
    expect(got).toHaveLength(1);
  });

  it('ends a pass once', async () => {
    const { clock, gate } = setUp();
    const pass = await gate.enter({ deadlineAtMs: far });
    gate.leave(pass, 'answered');
    expect(gate.leave(pass, told(30))).toBe(0);
    expect(clock.now()).toBe(0);
    await expect(gate.enter({ deadlineAtMs: far })).resolves.toBeDefined();
  });
});
