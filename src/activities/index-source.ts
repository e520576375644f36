import { createHash } from 'node:crypto';
import type { Ledger } from '../ledger/ledger.ts';
import { defaultRowsPerRequest } from '../plan/bounds.ts';
import { certain } from '../plan/estimate.ts';
import type { IndexSourceInput, IndexSourceOutput } from '../plan/payloads.ts';
import { planJob, type JobPlan, type PlanBounds } from '../plan/plan-job.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import { leastSliceRows, sliceRowsFor } from '../plan/slices.ts';
import { SourceChangedError, type BlobSource } from '../source/blob-source.ts';
import { createIndexer, type IndexedSource } from '../source/indexer.ts';
import { decodeIndex, encodeIndex } from '../source/slice-index.ts';
import { faultDetail, type SourcePin } from '../source/source.ts';
import { findRepeatedKeys, mostRowsWithKeys } from './find-repeated-keys.ts';
import { faultAt, type Faults } from './open-source.ts';
import { encodeRepeatedKeys } from './repeated-keys.ts';
import type { StoredPlan } from './run-plan.ts';

export interface IndexSourceDeps {
  readonly ledger: Ledger;
  readonly source: BlobSource;
}

/** Every lane holds one slice in memory, and hundreds of lanes may share a process. */
const mostSliceBytes = 1024 * 1024;

/**
 * Activity: one pass over the source for its slices, row count and SHA-256, and one over its keys for those that occur more than once. A
 * file whose structure is doubtful is refused whole.
 */
export function createIndexSource(deps: IndexSourceDeps): (input: IndexSourceInput) => Promise<IndexSourceOutput> {
  return async ({ runId, spec, lanes, bounds }) => {
    const [manifest, plan, spool] = await Promise.all([
      deps.ledger.manifest(runId),
      deps.ledger.readMapping<StoredPlan>(runId),
      deps.ledger.readSpool(runId),
    ]);
    if (manifest === undefined || plan === undefined)
      throw new Error(`The ledger of run ${runId} lacks its manifest or mapping.`);
    const rows = spool?.pin ?? manifest.pin;
    try {
      const indexed = await indexBytes(deps, rows, plan, {
        lanes,
        rowsPerRequest: spec.options.rowsPerRequest ?? defaultRowsPerRequest,
      });
      if ('faults' in indexed) return indexed;
      const { index, rowCount, sha256 } = indexed;
      if (plan.mapping.key.kind !== 'made') {
        if (rowCount > mostRowsWithKeys) return faultAt('/source/blob', tooManyRows(rowCount));
        const records = { source: deps.source, rows, format: plan.format, columns: plan.head.columns, index };
        const repeated = await findRepeatedKeys(records, plan.mapping, spec.options.duplicates);
        await deps.ledger.writeRepeatedKeys(runId, encodeRepeatedKeys(repeated));
      }
      await deps.ledger.writePlan(runId, await planOf(deps.ledger, { spec, plan, rowCount, bounds }));
      await deps.ledger.writeIndex(runId, encodeIndex(index), sha256);
      // An earlier life of this run may have cut its slices otherwise; the first index is the one that counts.
      const stored = await deps.ledger.readIndex(runId);
      if (stored === undefined) throw new Error(`The index of run ${runId} was written and cannot be read.`);
      return { rowCount, sliceCount: decodeIndex(stored.bytes).sliceCount };
    } catch (error) {
      if (error instanceof SourceChangedError) return faultAt('/source/blob', error.message);
      throw error;
    }
  };
}

/** What the run will take, as far as that can be told before it sends a row. */
async function planOf(
  ledger: Ledger,
  run: {
    readonly spec: RunSpec;
    readonly plan: StoredPlan;
    readonly rowCount: number;
    readonly bounds: PlanBounds;
  },
): Promise<JobPlan> {
  const { spec, plan, rowCount, bounds } = run;
  const { table, operation } = spec.target;
  return planJob({
    rows: certain(rowCount),
    operation,
    byAlternateKey: plan.mapping.key.kind === 'alternate',
    isElastic: plan.table.tableType === 'Elastic',
    cost: await ledger.readCost({ connection: spec.connection, table, operation }),
    rowsPerRequest: spec.options.rowsPerRequest,
    bounds,
  });
}

const tooManyRows = (rowCount: number): string =>
  `The file has ${rowCount} rows; repeated keys are looked for among at most ${mostRowsWithKeys}. Split the file.`;

async function indexBytes(
  { source }: Pick<IndexSourceDeps, 'source'>,
  pin: SourcePin,
  { format, head }: Pick<StoredPlan, 'format' | 'head'>,
  cut: { readonly lanes: number; readonly rowsPerRequest: number },
): Promise<(Pick<IndexedSource, 'index' | 'rowCount'> & { readonly sha256: string }) | Faults> {
  const { lanes, rowsPerRequest } = cut;
  const entryRows = Math.ceil(leastSliceRows / rowsPerRequest) * rowsPerRequest;
  const indexer = createIndexer(format, head, { entryRows, sliceBytes: mostSliceBytes });
  const digest = createHash('sha256');
  for await (const chunk of await source.stream(pin)) {
    digest.update(chunk);
    indexer.push(chunk);
  }
  const { index, rowCount, faults } = indexer.finish({
    sliceRows: (rows) => sliceRowsFor(rows, lanes, rowsPerRequest),
  });
  if (faults.length === 0) return { index, rowCount, sha256: digest.digest('hex') };
  return { faults: faults.map((fault) => ({ pointer: '/source/blob', detail: faultDetail(fault) })) };
}
