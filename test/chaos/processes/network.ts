import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { Fate, Interception } from './proxy.ts';

export interface Weather {
  /** Chance that a request meets a fault. */
  readonly probability: number;
  /** So many faults, then all is well. */
  readonly times: number;
  readonly longestStallMs: number;
}

const fates: readonly [Fate, ...Fate[]] = ['cutBefore', 'cutRequest', 'cutAfter', 'cutAfter', 'cutAnswer'];

/** Cuts and stalls connections by chance; answers how often it did. */
export function createWeather(random: Random, { probability, times, longestStallMs }: Weather) {
  let left = times;
  const strikes = (): boolean => {
    if (left === 0 || !random.chance(probability)) return false;
    left -= 1;
    return true;
  };
  const interception: Interception = {
    async arrived() {
      if (!strikes()) return 'pass';
      if (random.chance(0.7)) return random.pick(fates);
      await delay(random.between(200, longestStallMs));
      return 'pass';
    },
    async answered() {
      if (strikes()) await delay(random.between(200, longestStallMs));
      return 'pass';
    },
  };
  return { interception, heal: (): void => void (left = 0), struck: (): number => times - left };
}
