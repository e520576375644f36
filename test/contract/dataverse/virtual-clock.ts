import type { Clock as EmulatorClock } from 'dataverse-emulator';
import type { Clock } from '../../../src/dataverse/clock.ts';

/** A request on loopback, inside one process, takes a dozen turns of the event loop from hop to hop. */
const quietTurns = 200;

/**
 * A clock for client and emulator in one process: time stands still while anything happens, and jumps to the next moment somebody waits for when
 * nothing has for a while. So minutes of waiting take no time, and a slow machine changes nothing.
 */
export function virtualClock(): Clock & EmulatorClock {
  let nowMs = Date.parse('2026-01-05T00:00:00Z');
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  let turns = 0;
  let isRunning = false;

  function turn(): void {
    const next = Math.min(...sleepers.map(({ atMs }) => atMs));
    isRunning = next < Infinity;
    if (!isRunning) return;
    turns += 1;
    if (turns >= quietTurns) {
      turns = 0;
      nowMs = next;
      const due = sleepers.filter(({ atMs }) => atMs <= nowMs);
      sleepers = sleepers.filter(({ atMs }) => atMs > nowMs);
      for (const { wake } of due) wake();
    }
    setImmediate(turn);
  }

  async function until(atMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (atMs <= nowMs) return;
    await new Promise<void>((resolve) => {
      const sleeper = { atMs, wake: resolve };
      sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        sleepers = sleepers.filter((one) => one !== sleeper);
        resolve();
      });
      turns = 0;
      if (!isRunning) {
        isRunning = true;
        setImmediate(turn);
      }
    });
    signal?.throwIfAborted();
  }

  return { now: () => nowMs, until, sleep: (ms, signal) => until(nowMs + ms, signal) };
}
