import { LatencyModel, createRandom, profiles } from 'dataverse-emulator';
import { rowsBefore } from '../../src/plan/lane.ts';
import { noFit } from '../../src/plan/request-size.ts';
import { graceOf, looksAfterMs, mostCarried } from '../../src/plan/wave.ts';

export interface Drain {
  readonly lanes: number;
  readonly rowsPerRequest: number;
  readonly tailProbability: number;
  readonly boxSeconds: number;
}

const boxes = 5_000;
const rowMs = 24.7;

/**
 * Share of the lanes' time that is lost at the ends of boxes, by the emulator's latency model over many of them: lanes that are back wait until all
 * are, or until the wave goes without the rest; those that were not back lie idle until it is looked for them. What one measured box shows depends on
 * whether a slow request happens to be on its way when it ends.
 */
export function expectedDrain({ lanes, rowsPerRequest, tailProbability, boxSeconds }: Drain): number {
  const documented = profiles.get('documented-4');
  if (documented === undefined) throw new Error('There is no profile documented-4.');
  const model = new LatencyModel({ ...documented.latency, tailProbability }, createRandom(1));
  const boxMs = boxSeconds * 1_000;
  const patienceMs = boxMs + graceOf({ ...noFit, rowMs }, rowsPerRequest);
  /** When it begins to send: later than the box where it was carried. */
  let begins: readonly number[] = Array.from({ length: lanes }, () => 0);
  let [lostMs, wholeMs] = [0, 0];
  for (let box = 0; box < boxes; box += 1) {
    const ends = begins.map((beginsMs) => {
      let atMs = beginsMs;
      while (atMs < boxMs) {
        const rows = rowsBefore(boxMs, { atMs, rows: rowsPerRequest, rowMs });
        atMs += model.duration({ kind: 'bulk', isWrite: true, rows: { create: rows } }, lanes, 0).totalMs;
      }
      return atMs;
    });
    const ordered = ends.toSorted((one, two) => two - one);
    // The wave is over when few enough are out, and not before its grace is over unless none is.
    const overMs = Math.min(ordered[0] ?? 0, Math.max(patienceMs, ordered[mostCarried(lanes)] ?? 0));
    wholeMs += overMs * lanes;
    lostMs += ends.reduce((sum, endMs) => sum + Math.max(0, overMs - endMs), 0);
    begins = ends.map((endMs) => {
      const lateMs = endMs - overMs;
      if (lateMs <= 0) return 0;
      const seenMs = looksAfterMs.find((lookMs) => lookMs >= lateMs) ?? boxMs;
      lostMs += seenMs - lateMs;
      return seenMs;
    });
  }
  return lostMs / wholeMs;
}
