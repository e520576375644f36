import { describe, expect, it } from 'vitest';
import { runSeed } from './in-process/run-seed.ts';

const repeatIt = (seed: number) => `npm run chaos -- --seed ${seed}`;

describe('a run under seeded faults in virtual time keeps its promises', () => {
  it.each(Array.from({ length: 30 }, (_, at) => at + 1).map((seed) => [repeatIt(seed), seed] as const))(
    '%s',
    async (_name, seed) => {
      expect((await runSeed(seed)).violations).toEqual([]);
    },
  );
});

/** Seeds that found a fault, by what it was. */
describe('what chaos has found stays mended', () => {
  it.each([
    ['rows settled as not attempted have a line of their own', 3],
    ['a first copy does not take what its twin created for a stranger', 9],
    ['a copy whose request is split does not either', 116],
    ['an ordered wait while a resumed run opens is no failure', 99],
    ['an update refused to one copy counts when the other got through', 336],
    ['a process that wakes late sends nothing behind closed books', 366],
    ['a verifying read that the service times out is asked again', 95],
    ['rows looked up while the environment orders a wait are not unknown', 38],
    ['a row the twin updated is not rejected for a busy sandbox', 665],
    ['a row the twin created is not rejected for a timeout', 698],
  ])('%s (seed %i)', async (_what, seed) => {
    expect((await runSeed(seed)).violations).toEqual([]);
  });
});
