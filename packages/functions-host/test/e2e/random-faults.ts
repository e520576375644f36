import type { Faults } from 'functions-host';
import { randomFrom } from './random-plan.ts';

const maxDelayMs = 25;

/** Forced replay, and about every other activity late, reported late, or delivered again. */
export function randomFaults(seed: number): Faults {
  const random = randomFrom(seed);
  const sometimes = (most: number) => (random() < 0.5 ? 0 : Math.ceil(random() * most));
  return {
    replayEveryStep: true,
    activity: () => ({
      startDelayMs: sometimes(maxDelayMs),
      resultDelayMs: sometimes(maxDelayMs),
      duplicates: sometimes(2),
    }),
  };
}
