import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/dataverse/clock.ts';

describe('the system clock', () => {
  it('ends a sleep with the signal’s reason, before it or during it', async () => {
    const stop = new AbortController();
    const asleep = systemClock.sleep(60_000, stop.signal);
    stop.abort(new Error('cancelled'));
    await expect(asleep).rejects.toThrow('cancelled');
    await expect(systemClock.sleep(60_000, stop.signal)).rejects.toThrow('cancelled');
  });

  it('sleeps longer than one timer can', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      let awake = false;
      const asleep = systemClock.sleep(2 ** 31 + 5_000).then(() => (awake = true));
      await vi.advanceTimersByTimeAsync(2 ** 31);
      expect(awake).toBe(false);
      await vi.advanceTimersByTimeAsync(5_000);
      await asleep;
      expect(awake).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});
