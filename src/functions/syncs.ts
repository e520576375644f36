import { createHash } from 'node:crypto';
import type { InvocationContext } from '@azure/functions';
import { RestError, type ContainerClient } from '@azure/storage-blob';
import type { DurableClient } from 'durable-functions';
import { parseRunSpec } from '../plan/spec.ts';
import { acceptRun, pinSource } from './accept-run.ts';
import type { RunsDeps } from './runs-deps.ts';

export interface SyncDeps extends RunsDeps {
  /** Holds one run spec a sync, as `{name}.json`. */
  readonly syncDefinitions: ContainerClient;
}

/** What a sync did this time. */
export interface SyncResult {
  readonly sync: string;
  /** The run of this version of the source; absent when the definition has faults. */
  readonly runId?: string;
  readonly faults?: readonly string[];
}

/**
 * Timer: starts a run for each sync whose source has changed. The run's id is made from the sync's name, its spec and the source's version, so
 * a timer that fires twice, late or on two hosts starts one run.
 */
export async function startSyncs(deps: SyncDeps, client: DurableClient): Promise<readonly SyncResult[]> {
  const results: SyncResult[] = [];
  for (const blob of await definitionNames(deps.syncDefinitions)) {
    const bytes = await deps.syncDefinitions.getBlobClient(blob).downloadToBuffer();
    results.push(await startSync(deps, client, blob.slice(0, -'.json'.length), bytes.toString('utf8')));
  }
  return results;
}

/** Logs what the syncs did; a faulty definition is an error of its own and stops no other. */
export function logSyncs(results: readonly SyncResult[], context: Pick<InvocationContext, 'log' | 'error'>): void {
  for (const { sync, runId, faults } of results) {
    if (faults === undefined) context.log(`Sync ${sync}: run ${runId ?? ''}.`);
    else context.error(`Sync ${sync} was not started: ${faults.join(' ')}`);
  }
}

async function startSync(deps: SyncDeps, client: DurableClient, sync: string, definition: string): Promise<SyncResult> {
  const parsed = parseRunSpec(jsonOf(definition));
  const pinned = 'faults' in parsed ? parsed : await pinSource(deps, parsed.spec);
  if ('faults' in parsed || 'faults' in pinned) {
    const faults = 'faults' in pinned ? pinned.faults : [];
    return { sync, faults: faults.map(({ pointer, detail }) => `${pointer} ${detail}`.trim()) };
  }
  const { spec } = parsed;
  const version = createHash('sha256')
    .update(JSON.stringify([spec, pinned.pin.etag]))
    .digest('hex')
    .slice(0, 16);
  const runId = `sync-${sync.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 60)}-${version}`;
  await acceptRun(deps, client, { runId, spec, pin: pinned.pin });
  return { sync, runId };
}

async function definitionNames(container: ContainerClient): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of container.listBlobsFlat()) if (name.endsWith('.json')) found.push(name);
  } catch (error) {
    if (!(error instanceof RestError) || error.statusCode !== 404) throw error;
  }
  return found;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
