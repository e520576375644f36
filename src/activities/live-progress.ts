import type { Clock } from '../dataverse/clock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { keepWaits, type OrderedWait } from '../plan/ordered-wait.ts';
import { addCounts } from '../plan/outcome.ts';
import type { LiveTally } from '../plan/progress.ts';

/** What has happened since the orchestrator last heard of it: a few numbers for people who watch, and what the environment has ordered. */
export interface LiveProgress {
  readonly add: (runId: string, wave: number, more: LiveMore) => void;
  /** Notes a wait that was ordered; written at once, because it must outlive this process. */
  readonly ordered: (runId: string, wave: number, wait: OrderedWait) => void;
}

export type LiveMore = Partial<Omit<LiveTally, 'wave' | 'waits'>>;

const betweenWritesMs = 1_500;
const keptRuns = 64;
/** A wait is over before another process can take up the work of this one. */
const leastWaitMs = 3_000;

interface Entry {
  tally: LiveTally;
  isDue: boolean;
  /** One write after the other: what is written last stays. */
  written: Promise<void>;
}

/**
 * All lanes of the process add to one small blob a run, written at most every one and a half seconds, and when a wait is ordered. The numbers
 * serve the eye only: nothing is decided by them, and a write that fails is forgotten.
 */
export function createLiveProgress(
  ledger: Pick<Ledger, 'writeLive'>,
  hostInstance: string,
  clock: Clock,
): LiveProgress {
  const entries = new Map<string, Entry>();

  function write(runId: string, entry: Entry): void {
    entry.written = entry.written
      .then(async () => ledger.writeLive(runId, hostInstance, entry.tally))
      .catch(() => undefined);
  }

  async function writeSoon(runId: string, entry: Entry): Promise<void> {
    entry.isDue = true;
    await clock.sleep(betweenWritesMs);
    entry.isDue = false;
    write(runId, entry);
  }

  function entryOf(runId: string): Entry {
    const entry = entries.get(runId) ?? { tally: nothing(0), isDue: false, written: Promise.resolve() };
    entries.set(runId, entry);
    const [oldest] = entries.keys();
    if (entries.size > keptRuns && oldest !== undefined) entries.delete(oldest);
    return entry;
  }

  return {
    add(runId, wave, more) {
      const entry = entryOf(runId);
      // The orchestrator tells of it once the lane is back.
      if (isLate(entry.tally, wave)) return;
      const before = ofWave(entry.tally, wave);
      entry.tally = {
        ...before,
        rows: before.rows + (more.rows ?? 0),
        counts: addCounts(before.counts, more.counts ?? {}),
        requests: before.requests + (more.requests ?? 0),
        throttled: before.throttled + (more.throttled ?? 0),
      };
      if (!entry.isDue) void writeSoon(runId, entry);
    },
    ordered(runId, wave, wait) {
      const nowMs = clock.now();
      if (Date.parse(wait.notBeforeAt) < nowMs + leastWaitMs) return;
      const entry = entryOf(runId);
      const { waits = [] } = entry.tally;
      const tally = isLate(entry.tally, wave) ? entry.tally : ofWave(entry.tally, wave);
      entry.tally = { ...tally, waits: keepWaits([...waits, wait], nowMs) };
      write(runId, entry);
    },
  };
}

const nothing = (wave: number): LiveTally => ({ wave, rows: 0, counts: {}, requests: 0, throttled: 0 });

/** A wait goes on when the wave is over. */
function ofWave(tally: LiveTally, wave: number): LiveTally {
  if (tally.wave === wave) return tally;
  return { ...nothing(wave), ...(tally.waits === undefined ? {} : { waits: tally.waits }) };
}

/** Of a lane that its wave did not wait for. A run that is taken up again begins with wave 0. */
const isLate = (tally: LiveTally, wave: number): boolean => wave > 0 && wave < tally.wave;
