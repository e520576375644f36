import { setTimeout as delay } from 'node:timers/promises';
import { sum } from '../../src/plan/sum.ts';
import type { CountingProxy } from '../common/counting-proxy.ts';
import type { EmulatorControl } from '../common/emulator-control.ts';

/** What was counted until a moment. */
export interface Sample {
  readonly atMs: number;
  readonly rows: number;
  readonly requests: number;
  readonly executionMs: number;
  readonly storage: Readonly<Record<string, number>>;
}

const everyMs = 250;

/** Looks at an emulator and a storage until it is told to stop. */
export async function sample(control: EmulatorControl, proxy: CountingProxy, until: AbortSignal): Promise<Sample[]> {
  const samples: Sample[] = [];
  while (!until.aborted) {
    const { users, journal } = await control.counters();
    const all = Object.values(users);
    samples.push({
      atMs: Date.now(),
      rows: journal.lastSequence,
      requests: sum(all, ({ requests }) => requests),
      executionMs: sum(all, ({ executionTimeMs }) => executionTimeMs),
      storage: proxy.counts(),
    });
    await delay(everyMs, undefined, { signal: until }).catch(() => undefined);
  }
  return samples;
}

/** What was counted between two moments; between two samples, in proportion. */
export function between(samples: readonly Sample[], fromMs: number, toMs: number): Omit<Sample, 'atMs'> {
  const [from, to] = [at(samples, fromMs), at(samples, toMs)];
  const names = new Set([...Object.keys(from.storage), ...Object.keys(to.storage)]);
  return {
    rows: to.rows - from.rows,
    requests: to.requests - from.requests,
    executionMs: to.executionMs - from.executionMs,
    storage: Object.fromEntries([...names].map((name) => [name, (to.storage[name] ?? 0) - (from.storage[name] ?? 0)])),
  };
}

function at(samples: readonly Sample[], moment: number): Sample {
  const next = samples.findIndex(({ atMs }) => atMs >= moment);
  const [before, after] = [samples[next - 1], samples[next]];
  if (before === undefined || after === undefined) throw new RangeError('The moment is outside the samples.');
  const share = (moment - before.atMs) / (after.atMs - before.atMs);
  const mix = (one: number, other: number): number => one + (other - one) * share;
  return {
    atMs: moment,
    rows: mix(before.rows, after.rows),
    requests: mix(before.requests, after.requests),
    executionMs: mix(before.executionMs, after.executionMs),
    storage: Object.fromEntries(
      Object.entries(after.storage).map(([name, count]) => [name, mix(before.storage[name] ?? 0, count)]),
    ),
  };
}
