import type { WriteTarget } from '../dataverse/bulk-messages.ts';
import type { Ledger, Manifest } from '../ledger/ledger.ts';
import type { MappingPlan } from '../mapping/mapping-plan.ts';
import { createRowEncoder, type RowEncoder } from '../mapping/row-encoder.ts';
import { decodeIndex, type SliceIndex } from '../source/slice-index.ts';
import type { SourceFormat, SourceHead } from '../source/source.ts';

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
  readonly index: SliceIndex;
  readonly encode: RowEncoder;
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

async function loadPlan(ledger: Ledger, runId: string): Promise<RunPlan> {
  const [manifest, stored, index] = await Promise.all([
    ledger.manifest(runId),
    ledger.readMapping<StoredPlan>(runId),
    ledger.readIndex(runId),
  ]);
  if (manifest === undefined || stored === undefined || index === undefined) {
    throw new Error(`The ledger of run ${runId} lacks its manifest, mapping or index.`);
  }
  return { ...stored, manifest, index: decodeIndex(index.bytes), encode: createRowEncoder(stored.mapping) };
}
