import type { WriteTarget } from '../dataverse/bulk-messages.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Manifest } from '../ledger/run-files.ts';
import type { MappingPlan } from '../mapping/mapping-plan.ts';
import { createRowEncoder, isRejection, type RowEncoder } from '../mapping/row-encoder.ts';
import { decodeIndex, type SliceIndex } from '../source/slice-index.ts';
import type { SourceFormat, SourceHead, SourcePin } from '../source/source.ts';
import { decodeRepeatedKeys, noRepeatedKeys, type RepeatedKeys } from './repeated-keys.ts';
import { decodeRowMap, type RowMap } from './row-map.ts';

/** What `openRun` found out, stored once and read by every lane. */
export interface StoredPlan {
  readonly format: SourceFormat;
  readonly head: SourceHead;
  readonly table: WriteTarget;
  readonly mapping: MappingPlan;
}

/** Everything a lane needs to know of its run. */
export interface RunPlan extends StoredPlan {
  readonly manifest: Manifest;
  /** The file the rows are read from: the pinned source, or what was spooled from it. */
  readonly rows: SourcePin;
  readonly index: SliceIndex;
  /** Digest of that file. */
  readonly sha256: string;
  readonly encode: RowEncoder;
  readonly repeated: RepeatedKeys;
  /** Present when the rows are those of an earlier run. */
  readonly rowMap?: RowMap;
}

/** Lanes of one process share the plans of the runs they serve; the one longest unused makes room. */
const keptPlans = 8;

export function createRunPlans(ledger: Ledger): (runId: string) => Promise<RunPlan> {
  const plans = new Map<string, Promise<RunPlan>>();
  return (runId) => {
    const known = plans.get(runId);
    const plan = known ?? loadPlan(ledger, runId);
    if (known === undefined) plan.catch(() => plans.delete(runId));
    plans.delete(runId);
    plans.set(runId, plan);
    const [oldest] = plans.keys();
    if (plans.size > keptPlans && oldest !== undefined) plans.delete(oldest);
    return plan;
  };
}

export async function loadPlan(ledger: Ledger, runId: string): Promise<RunPlan> {
  const [manifest, stored, index, repeated, spool] = await Promise.all([
    ledger.manifest(runId),
    ledger.readMapping<StoredPlan>(runId),
    ledger.readIndex(runId),
    ledger.readRepeatedKeys(runId),
    ledger.readSpool(runId),
  ]);
  if (manifest === undefined || stored === undefined || index === undefined) {
    throw new Error(`The ledger of run ${runId} lacks its manifest, mapping or index.`);
  }
  const encode = createRowEncoder(stored.mapping);
  const shared = {
    ...stored,
    manifest,
    index: decodeIndex(index.bytes),
    sha256: index.sha256,
    repeated: repeated === undefined ? noRepeatedKeys : decodeRepeatedKeys(repeated),
  };
  if (spool === undefined) return { ...shared, rows: manifest.pin, encode };
  const rowMap = decodeRowMap(spool.rowMap);
  return { ...shared, rows: spool.pin, rowMap, encode: encodeAsSourceRow(encode, rowMap) };
}

/** Ids made from row numbers and texts about rows speak of the row in the lineage's first source. */
function encodeAsSourceRow(encode: RowEncoder, rowMap: RowMap): RowEncoder {
  return (row) => {
    const encoded = encode({ ...row, row: rowMap.sourceRowOf(row.row) });
    if (isRejection(encoded)) return encoded;
    return { ...encoded, row: row.row, ...(rowMap.maybeSent(row.row) ? { maybeSent: true as const } : {}) };
  };
}
