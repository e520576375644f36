import type { Ledger } from '../ledger/ledger.ts';
import type { Manifest } from '../ledger/run-files.ts';
import type { SpoolHead } from '../ledger/spool.ts';
import type { Fault } from '../plan/fault.ts';
import type { SpoolRowsInput, SpoolRowsOutput } from '../plan/payloads.ts';
import { SourceChangedError, type BlobSource } from '../source/blob-source.ts';
import { createdRows } from './created-rows.ts';
import { editedRows } from './edited-rows.ts';
import { faultAt } from './open-source.ts';
import { createRowMapWriter, decodeRowMap, type MappedRow } from './row-map.ts';
import { loadPlan, type RunPlan } from './run-plan.ts';
import { originalRows } from './selected-rows.ts';

export interface SpoolRowsDeps {
  readonly ledger: Ledger;
  readonly source: BlobSource;
}

/** A row for the spooled file: its text with the line end, and which row of the lineage's first source it is. */
export interface SpoolRow extends MappedRow {
  readonly bytes: Buffer;
}

/** What is spooled: the text before the rows, and the rows. */
export interface SpoolPlan extends SpoolHead {
  readonly before: Buffer;
  readonly rows: AsyncIterable<SpoolRow>;
}

/** Rows found wrong while they are being copied. */
export class SpoolFaultError extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.detail);
    this.fault = fault;
  }
}

/**
 * Activity: copies the rows of a redrive or an undo from the run they belong to into a file of their own, which then is read like any
 * source. Safe to run again: what was spooled first stays.
 */
export function createSpoolRows(deps: SpoolRowsDeps): (input: SpoolRowsInput) => Promise<SpoolRowsOutput> {
  return async ({ runId }) => {
    const existing = await deps.ledger.readSpool(runId);
    if (existing !== undefined) return { rowCount: decodeRowMap(existing.rowMap).rowCount };
    const manifest = await deps.ledger.manifest(runId);
    if (manifest?.lineage === undefined) throw new Error(`Run ${runId} takes up no rows of another run.`);
    try {
      const parent = await loadPlan(deps.ledger, manifest.lineage.of);
      return await spool(deps, runId, await planSpool(deps, manifest, parent));
    } catch (error) {
      if (error instanceof SpoolFaultError) return { faults: [error.fault] };
      if (error instanceof SourceChangedError) return faultAt('/source/blob', error.message);
      throw error;
    }
  };
}

function planSpool(deps: SpoolRowsDeps, { lineage, pin, spec }: Manifest, parent: RunPlan): Promise<SpoolPlan> {
  if (lineage?.kind === 'undo') return createdRows(deps, parent);
  if (lineage?.edited === true) return editedRows(deps, parent, { lineage, pin, spec });
  if (lineage === undefined) throw new Error('A run without lineage has nothing to spool.');
  return originalRows(deps, parent, lineage.selection);
}

async function spool({ ledger }: SpoolRowsDeps, runId: string, plan: SpoolPlan): Promise<SpoolRowsOutput> {
  const rowMap = createRowMapWriter();
  async function* texts(): AsyncGenerator<Buffer> {
    yield plan.before;
    for await (const { bytes, ...mapped } of plan.rows) {
      rowMap.add(mapped);
      yield bytes;
    }
  }
  const { format, head } = plan;
  await ledger.writeSpool(runId, { format, head }, texts(), rowMap.bytes);
  const written = await ledger.readSpool(runId);
  if (written === undefined) throw new Error(`The spooled rows of run ${runId} were written and are gone.`);
  return { rowCount: decodeRowMap(written.rowMap).rowCount };
}
