import { describe, expect, it } from 'vitest';
import { profiles } from '../../../src/settings/profiles.ts';

describe('profiles', () => {
  it.each([...profiles.values()].filter(({ profile }) => /^(documented|trial|silent-queue|elastic)/.test(profile)))(
    '$profile hints four requests per server, what the time limit can sustain',
    ({ hint, servers, limits }) => {
      expect(hint).toBe(4 * servers);
      expect((limits.executionTimeMs! / limits.windowMs) * servers).toBe(hint);
    },
  );

  it.each([...profiles.values()].filter(({ latency }) => latency.knee !== null))(
    '$profile does not hinder requests at its hint',
    ({ hint, latency }) => {
      expect(latency.knee!).toBeGreaterThan(Number(hint));
    },
  );
});
