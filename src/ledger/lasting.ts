import type { ContainerClient } from '@azure/storage-blob';
import type { StoredCost } from '../plan/estimate.ts';
import { json, put, putAgainst, readJson, readSeen, type Seen } from './blobs.ts';
import { paths, type CostKey } from './paths.ts';

/** The version of a sync's source that was taken up last. */
export interface SyncRecord {
  readonly version: string;
  readonly runId: string;
  /** Runs begun for this version. */
  readonly attempt: number;
  /** The run is about to be accepted; absent once it is. */
  readonly begins?: true;
}

/** What is remembered for longer than runs are kept. */
export interface Lasting {
  readonly readSync: (sync: string) => Promise<Seen<SyncRecord> | undefined>;
  /** Replaces the record that was seen; false when somebody else has replaced it since. */
  readonly writeSync: (sync: string, record: SyncRecord, seen: Seen<SyncRecord> | undefined) => Promise<boolean>;
  /** What requests of an operation on a table were found to cost; the run that ended last counts. */
  readonly writeCost: (key: CostKey, cost: StoredCost) => Promise<void>;
  readonly readCost: (key: CostKey) => Promise<StoredCost | undefined>;
}

export function createLasting(container: ContainerClient): Lasting {
  return {
    readSync: (sync) => readSeen(container, paths.sync(sync)),
    async writeSync(sync, record, seen) {
      await container.createIfNotExists();
      const text = { ...json, seen: seen?.etag };
      return (await putAgainst(container, paths.sync(sync), JSON.stringify(record), text)).first;
    },
    writeCost: (key, cost) => put(container, paths.cost(key), JSON.stringify(cost), json),
    readCost: (key) => readJson(container, paths.cost(key)),
  };
}
