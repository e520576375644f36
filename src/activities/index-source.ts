import { createHash } from 'node:crypto';
import type { Ledger } from '../ledger/ledger.ts';
import { defaultRowsPerRequest } from '../plan/bounds.ts';
import type { IndexSourceInput, IndexSourceOutput } from '../plan/payloads.ts';
import { SourceChangedError, type BlobSource } from '../source/blob-source.ts';
import { createIndexer } from '../source/indexer.ts';
import { decodeIndex, encodeIndex } from '../source/slice-index.ts';
import { faultDetail } from '../source/source.ts';
import { faultAt } from './open-run.ts';
import type { StoredPlan } from './run-plan.ts';

export interface IndexSourceDeps {
  readonly ledger: Ledger;
  readonly source: BlobSource;
}

/** Slices are made so small that each lane gets about this many, as far as the bounds below allow; then no lane drags behind at the end. */
const slicesPerLane = 20;
const leastSliceRows = 100;
const mostSliceRows = 1_000;
/** Every lane holds one slice in memory, and hundreds of lanes may share a process. */
const mostSliceBytes = 1024 * 1024;

/** Activity: one pass over the source for its slices, row count and SHA-256. A file whose structure is doubtful is refused whole. */
export function createIndexSource(deps: IndexSourceDeps): (input: IndexSourceInput) => Promise<IndexSourceOutput> {
  return async ({ runId, spec, lanes }) => {
    const [manifest, plan] = await Promise.all([
      deps.ledger.manifest(runId),
      deps.ledger.readMapping<StoredPlan>(runId),
    ]);
    if (manifest === undefined || plan === undefined)
      throw new Error(`The ledger of run ${runId} lacks its manifest or mapping.`);
    const rowsPerRequest = spec.options.rowsPerRequest ?? defaultRowsPerRequest;
    const entryRows = Math.ceil(leastSliceRows / rowsPerRequest) * rowsPerRequest;
    const indexer = createIndexer(plan.format, plan.head, { entryRows, sliceBytes: mostSliceBytes });
    const digest = createHash('sha256');
    try {
      for await (const chunk of await deps.source.stream(manifest.pin)) {
        digest.update(chunk);
        indexer.push(chunk);
      }
    } catch (error) {
      if (error instanceof SourceChangedError) return faultAt('/source/blob', error.message);
      throw error;
    }
    const { index, rowCount, faults } = indexer.finish({
      sliceRows: (rows) => sliceRowsFor(rows, lanes, rowsPerRequest),
    });
    if (faults.length > 0)
      return { faults: faults.map((fault) => ({ pointer: '/source/blob', detail: faultDetail(fault) })) };
    await deps.ledger.writeIndex(runId, encodeIndex(index), digest.digest('hex'));
    // An earlier life of this run may have cut its slices otherwise; the first index is the one that counts.
    const stored = await deps.ledger.readIndex(runId);
    if (stored === undefined) throw new Error(`The index of run ${runId} was written and cannot be read.`);
    return { rowCount, sliceCount: decodeIndex(stored.bytes).sliceCount };
  };
}

/** A request never spans two slices, so a slice holds whole requests. */
function sliceRowsFor(rowCount: number, lanes: number, rowsPerRequest: number): number {
  const wanted = Math.min(mostSliceRows, Math.max(leastSliceRows, rowCount / (lanes * slicesPerLane)));
  return Math.ceil(wanted / rowsPerRequest) * rowsPerRequest;
}
