import type { Clock } from '../dataverse/clock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { addCounts } from '../plan/outcome.ts';
import type { LiveTally } from '../plan/progress.ts';

/** What has happened since the orchestrator last heard of it; a few numbers for people who watch. */
export interface LiveProgress {
  readonly add: (runId: string, wave: number, more: LiveMore) => void;
}

export type LiveMore = Partial<Omit<LiveTally, 'wave'>>;

const betweenWritesMs = 1_500;
const keptRuns = 64;

/**
 * All lanes of the process add to one small blob a run, written at most every one and a half seconds. It serves the eye only: nothing
 * is decided by it, and a write that fails is forgotten.
 */
export function createLiveProgress(
  ledger: Pick<Ledger, 'writeLive'>,
  hostInstance: string,
  clock: Clock,
): LiveProgress {
  const entries = new Map<string, { tally: LiveTally; writing: boolean }>();

  async function writeSoon(runId: string, entry: { tally: LiveTally; writing: boolean }): Promise<void> {
    entry.writing = true;
    await clock.sleep(betweenWritesMs);
    entry.writing = false;
    await ledger.writeLive(runId, hostInstance, entry.tally).catch(() => undefined);
  }

  function entryOf(runId: string): { tally: LiveTally; writing: boolean } {
    const entry = entries.get(runId) ?? { tally: nothing(0), writing: false };
    entries.set(runId, entry);
    const [oldest] = entries.keys();
    if (entries.size > keptRuns && oldest !== undefined) entries.delete(oldest);
    return entry;
  }

  return {
    add(runId, wave, more) {
      const entry = entryOf(runId);
      // A lane that its wave did not wait for: the orchestrator tells of it once it is back. A run that is taken up again begins with wave 0.
      if (wave > 0 && wave < entry.tally.wave) return;
      const before = entry.tally.wave === wave ? entry.tally : nothing(wave);
      entry.tally = {
        wave,
        rows: before.rows + (more.rows ?? 0),
        counts: addCounts(before.counts, more.counts ?? {}),
        requests: before.requests + (more.requests ?? 0),
        throttled: before.throttled + (more.throttled ?? 0),
      };
      if (!entry.writing) void writeSoon(runId, entry);
    },
  };
}

const nothing = (wave: number): LiveTally => ({ wave, rows: 0, counts: {}, requests: 0, throttled: 0 });
