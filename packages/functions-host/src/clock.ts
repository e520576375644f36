/** Time as the host sees it. Everything durable (timers, time stamps, schedules) asks this port and nothing else. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls back once, as soon as `now()` has reached `atMs`. Returns a function that cancels it. */
  wakeAt(atMs: number, callback: () => void): () => void;
  /** Told when nothing is in flight (no turn, activity, function or request) although a durable timer is waiting for this time. */
  idle?(nextTimerAtMs: number): void;
}

/** The longest delay that setTimeout accepts. */
const maxDelayMs = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  wakeAt(atMs, callback) {
    let handle: NodeJS.Timeout;
    const arm = () => {
      const remainingMs = atMs - Date.now();
      handle = remainingMs > 0 ? setTimeout(arm, Math.min(remainingMs, maxDelayMs)) : setTimeout(callback, 0);
    };
    arm();
    return () => clearTimeout(handle);
  },
};

/** A clock for tests, moved by hand or by idleness. */
export interface VirtualClock extends Clock {
  /** Moves time on and calls back everything that falls due, in order. */
  advance(byMs: number): void;
  idle(nextTimerAtMs: number): void;
}

interface Alarm {
  readonly atMs: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still unless moved. With `skipWhenIdle` it jumps to the next durable timer as soon as nothing else is in
 * flight, so that waits of days pass in milliseconds; timer triggers that fall due on the way run too. Leave it off where a test
 * raises an event before a timeout.
 */
export function createVirtualClock(
  options: { readonly startAt?: Date; readonly skipWhenIdle?: boolean } = {},
): VirtualClock {
  let now = (options.startAt ?? new Date('2026-01-01T00:00:00Z')).getTime();
  const alarms = new Set<Alarm>();
  const nextDue = () =>
    [...alarms].reduce<Alarm | undefined>((first, one) => (!first || one.atMs < first.atMs ? one : first), undefined);

  const fireUntil = (untilMs: number) => {
    for (let alarm = nextDue(); alarm && alarm.atMs <= untilMs; alarm = nextDue()) {
      alarms.delete(alarm);
      now = Math.max(now, alarm.atMs);
      alarm.callback();
    }
    now = Math.max(now, untilMs);
  };

  return {
    now: () => now,
    wakeAt(atMs, callback) {
      const alarm = { atMs, callback };
      alarms.add(alarm);
      // An alarm set for the past rings soon, but never inside the call that sets it.
      if (atMs <= now) setImmediate(() => fireUntil(now));
      return () => void alarms.delete(alarm);
    },
    advance: (byMs) => fireUntil(now + byMs),
    idle(nextTimerAtMs) {
      if (options.skipWhenIdle === true) fireUntil(Math.max(nextTimerAtMs, now));
    },
  };
}
