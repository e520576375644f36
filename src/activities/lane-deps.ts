import type { Client } from '../dataverse/client.ts';
import type { Clock } from '../dataverse/clock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { StopMark } from '../ledger/marks.ts';
import type { BlobSource } from '../source/blob-source.ts';
import type { LiveProgress } from './live-progress.ts';
import type { RunPlan } from './run-plan.ts';
import type { RecallWaits } from './wait-recall.ts';

/** What every lane of the process shares. */
export interface LaneDeps {
  readonly ledger: Ledger;
  readonly source: BlobSource;
  /** Throws when no connection of this name is configured. */
  readonly clientOf: (connection: string) => Client;
  readonly planOf: (runId: string) => Promise<RunPlan>;
  /** Whether the run was cancelled or paused. */
  readonly stopOf: (runId: string) => Promise<StopMark | undefined>;
  readonly live: LiveProgress;
  readonly recallWaits: RecallWaits;
  readonly clock: Clock;
}
