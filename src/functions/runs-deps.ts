import type { Ledger } from '../ledger/ledger.ts';
import type { Settings } from '../settings.ts';
import type { BlobSource } from '../source/blob-source.ts';

export interface RunsDeps {
  readonly settings: Settings;
  readonly ledger: Ledger;
  readonly source: BlobSource;
}
