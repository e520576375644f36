import { describe, expect, it } from 'vitest';
import { step } from '../../../src/plan/control-law.ts';
import { anyServer, newLaw, type LawState, type WaveFeedback } from '../../../src/plan/law-state.ts';
import { addSpent, nothingSpent } from '../../../src/plan/spent-time.ts';
import { lanesOf, widthsOf } from '../../../src/plan/widths.ts';

const feedback = (more: Partial<WaveFeedback> = {}): WaveFeedback => ({
  throttles: {},
  waitMs: 0,
  seconds: 10,
  lanes: 16,
  requests: 60,
  busyMs: 160_000,
  ...more,
});
const heard = (more: Partial<WaveFeedback> = {}, inflation = 1) => ({
  hint: 16,
  feedback: feedback(more),
  inflation,
  limited: true,
  duty: 1,
});
const begun = step(newLaw, { hint: 16, inflation: 1, limited: false, duty: 1 }, 0).law;

/** What any server may be sent, in all. */
function widthOf(law: LawState, { nowMs, boxSeconds = 20 }: { nowMs: number; boxSeconds?: number }) {
  const [width] = widthsOf(law, { nowMs, boxSeconds, scouting: 'never', exploring: false, alone: true });
  return { inFlight: width?.inFlight ?? 0, lanes: width === undefined ? 0 : lanesOf(width) };
}

const withSpent = (law: LawState, spent = nothingSpent): LawState => ({ ...law, cells: [{ ...anyServer, spent }] });

/** So many seconds at 16 in flight, all calm, then a refusal. */
function afterRefusal(seconds: number, facet: 'executionTime' | 'requests' = 'executionTime'): LawState {
  let law = begun;
  for (let at = 10; at < seconds; at += 10) ({ law } = step(law, heard(), at * 1_000));
  return step(law, heard({ throttles: { [facet]: 80 } }), seconds * 1_000).law;
}

describe('the control law', () => {
  it('seeks the ceiling by slow growth while no limit was met', () => {
    const { law, why } = step(begun, heard(), 10_000);
    expect(law.aim).toBeGreaterThan(16);
    expect(law.aim).toBeLessThan(17.5);
    expect(why).toBe('no limit met yet');
  });

  it('does not grow while the run itself wants no more', () => {
    expect(step(begun, { ...heard(), limited: false }, 10_000).law.aim).toBe(16);
  });

  it('takes what was in flight over the window for the ceiling when a window limit is met', () => {
    const law = afterRefusal(300);
    expect(law.ceiling).toBeCloseTo(16, 0);
    expect(law.windowed).toBe(true);
  });

  it('cuts once for a wave, however many answers were refused', () => {
    const one = step(afterRefusal(300), heard({ throttles: { executionTime: 1 } }), 310_000).law;
    const many = step(afterRefusal(300), heard({ throttles: { executionTime: 90 } }), 310_000).law;
    expect(many.aim).toBe(one.aim);
    expect(one.aim).toBeLessThan(afterRefusal(300).aim);
  });

  it('cuts deeper each time while a limit is met far below the ceiling', () => {
    let law = withSpent(afterRefusal(300));
    const shares: number[] = [];
    for (let wave = 1; wave <= 3; wave += 1) {
      const before = law.aim;
      ({ law } = step(law, heard({ throttles: { executionTime: 1 }, busyMs: 1_000 }), 300_000 + wave * 10_000));
      shares.push(law.aim / before);
    }
    expect(shares[1]).toBeLessThanOrEqual(shares[0]!);
    expect(shares[2]).toBeGreaterThan(0.85);
    expect(law.aim).toBeLessThan(14);
  });

  it('regrows only after the window was full of the present rate', () => {
    const cut = afterRefusal(300);
    const early = step(withSpent(cut), heard({ busyMs: 30_000 }), 310_000).law;
    expect(early.aim).toBe(cut.aim);
    const tested = step(cut, heard(), 310_000).law;
    expect(tested.aim).toBeGreaterThan(cut.aim);
    expect(tested.aim).toBeLessThan(cut.aim * 1.02);
  });

  it('plans less while the window still holds busier times, and somewhat more when it has room', () => {
    const law = afterRefusal(300);
    const spent = addSpent(nothingSpent, { fromMs: 200_000, toMs: 300_000, laneSeconds: law.aim * 300 });
    expect(widthOf(withSpent(law, spent), { nowMs: 300_000 }).inFlight).toBeLessThan(law.aim * 0.3);
    const empty = widthOf(withSpent(law), { nowMs: 300_000 });
    expect(empty.inFlight).toBeGreaterThan(law.aim * 1.1);
    expect(empty.inFlight).toBeLessThan(law.aim * 1.3);
  });

  it('steps back at once when too many run at once, never below the hint by more than one', () => {
    const { law } = step(begun, heard({ throttles: { concurrency: 9 }, lanes: 40 }), 10_000);
    expect(widthOf(law, { nowMs: 11_000 }).lanes).toBeLessThanOrEqual(32);
    const atHint = step(begun, heard({ throttles: { concurrency: 9 }, lanes: 16 }), 10_000).law;
    expect(atHint.cliff?.lanes).toBe(15);
  });

  it('steps back when more in flight only makes requests slower', () => {
    const { law, why } = step({ ...begun, aim: 30 }, heard({ lanes: 30 }, 1.5), 10_000);
    expect(law.aim).toBeCloseTo(22);
    expect(why).toContain('slower');
  });

  it('does not take little for a ceiling: a limit met early was used up by others', () => {
    const { law } = step(begun, heard({ throttles: { other: 1 } }), 5_000);
    expect(law.aim).toBeCloseTo(16 * 0.4);
  });

  it('finds back to the hint in minutes when it was far below it and no limit is met any more', () => {
    let law: LawState = { ...begun, aim: 1, ceiling: 1, windowed: true, changedAtMs: 0, limitAtMs: 0 };
    let nowMs = 400_000;
    for (; law.aim < 14 && nowMs < 3_600_000; nowMs += 60_000) {
      const busyMs = law.aim * 60_000;
      ({ law } = step(law, heard({ seconds: 60, busyMs, requests: Math.ceil(law.aim * 20), lanes: 2 }), nowMs));
    }
    expect(nowMs).toBeLessThan(2_400_000);
  });

  it('gives way to slowness only down to half of the hint', () => {
    let law = begun;
    for (let wave = 1; wave <= 20; wave += 1) ({ law } = step(law, heard({}, 3), wave * 10_000));
    expect(law.aim).toBe(8);
  });

  it('follows the hint, and keeps what it learned in proportion', () => {
    const learned: LawState = { ...begun, aim: 20, ceiling: 20 };
    expect(step(learned, { ...heard(), feedback: undefined, hint: 48 }, 0).law).toMatchObject({ aim: 60, ceiling: 60 });
    expect(step(learned, { ...heard(), feedback: undefined, hint: 4 }, 0).law).toMatchObject({ aim: 5, ceiling: 5 });
  });

  it('expresses by the duty what whole lanes cannot', () => {
    const { lanes, inFlight } = widthOf({ ...begun, aim: 3.6 }, { nowMs: 0 });
    expect(lanes).toBe(4);
    expect(inFlight).toBeCloseTo(3.6);
  });

  it('keeps a state that stays small however long it runs', () => {
    let law = begun;
    for (let wave = 1; wave <= 2_000; wave += 1) ({ law } = step(law, heard({ seconds: 2 }), wave * 2_000));
    expect(JSON.stringify(law).length).toBeLessThan(1_500);
  });
});
