import type { Client } from '../dataverse/client.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { OpenRunInput, OpenRunOutput } from '../plan/payloads.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import type { BlobSource } from '../source/blob-source.ts';
import { openTarget, settlePlan, type Opened } from './check-run.ts';
import { digestOf } from './digest.ts';
import { formatOf, openSource } from './open-source.ts';
import type { RecallWaits } from './wait-recall.ts';

export interface OpenRunDeps {
  readonly ledger: Ledger;
  readonly source: BlobSource;
  readonly clientOf: (connection: string) => Client;
  readonly recallWaits: RecallWaits;
}

/**
 * Activity: asks the environment who we are (and for its hint), reads the table's metadata and the head of the source, compiles the
 * mapping and stores it. Returns every fault it finds; throws only when the platform or the environment gave no answer.
 */
export function createOpenRun(deps: OpenRunDeps): (input: OpenRunInput) => Promise<OpenRunOutput> {
  return async ({ runId, spec }) => {
    const manifest = await deps.ledger.manifest(runId);
    if (manifest === undefined) throw new Error(`Run ${runId} has no manifest.`);
    const spool = await deps.ledger.readSpool(runId);
    const format = spool?.format ?? formatOf(spec);
    const [target, head] = await Promise.all([
      recallAndOpen(deps, runId, spec),
      spool?.head ?? openSource(deps.source, manifest.pin, format),
    ]);
    const faults = [target, head].flatMap((opened) => ('faults' in opened ? opened.faults : []));
    if ('faults' in target || 'faults' in head) return { faults };
    if ('waitSeconds' in target) return target;

    // A row that is sent again keeps the id it had.
    const runIdDigest = digestOf(manifest.lineage?.root ?? runId);
    const plan = settlePlan({ spec, format, head, target, runIdDigest });
    if ('faults' in plan) return plan;
    await deps.ledger.writeMapping(runId, plan);
    return target.dopHint === undefined ? {} : { dopHint: target.dopHint };
  };
}

/** A run that lost its orchestration may have been told to wait. */
async function recallAndOpen({ clientOf, recallWaits }: OpenRunDeps, runId: string, spec: RunSpec): Promise<Opened> {
  const client = clientOf(spec.connection);
  await recallWaits(runId, client);
  return openTarget(client, spec);
}
