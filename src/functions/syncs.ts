import { createHash } from 'node:crypto';
import type { InvocationContext } from '@azure/functions';
import { RestError, type ContainerClient } from '@azure/storage-blob';
import { OrchestrationRuntimeStatus, type DurableClient } from 'durable-functions';
import type { SyncRecord } from '../ledger/lasting.ts';
import type { Manifest } from '../ledger/run-files.ts';
import { parseRunSpec } from '../plan/spec.ts';
import { acceptRun, ensureStarted, isGone, pinSource, statusOf } from './accept-run.ts';
import type { RunsDeps } from './runs-deps.ts';

export interface SyncDeps extends RunsDeps {
  /** Holds one run spec a sync, as `{name}.json`. */
  readonly syncDefinitions: ContainerClient;
}

/** A version whose run failed before it sent a row is begun this often in all. */
const mostAttempts = 3;

/** What a sync did this time: begun a run, found nothing new, waits for a run to end, or has begun that run again. */
export type SyncStep = 'started' | 'unchanged' | 'waiting' | 'resumed';

export type SyncResult = { readonly sync: string } & (
  { readonly did: SyncStep; readonly runId: string } | { readonly faults: readonly string[] }
);

/**
 * Timer: starts a run for each sync whose source has changed. The run's id is made from the sync's name, its spec and the source's version, so
 * a timer that fires twice, late or on two hosts starts one run. A new version waits until the run of the one before has ended: an old
 * value may not land last. What was loaded is remembered beside the runs, for longer than the runs themselves, and noted before the run is
 * accepted: whatever dies in between, the next timer finds either nothing begun or the run that was.
 */
export async function startSyncs(deps: SyncDeps, client: DurableClient): Promise<readonly SyncResult[]> {
  const results: SyncResult[] = [];
  for (const blob of await definitionNames(deps.syncDefinitions)) {
    const sync = blob.slice(0, -'.json'.length);
    try {
      const bytes = await deps.syncDefinitions.getBlobClient(blob).downloadToBuffer();
      results.push(await startSync(deps, client, sync, bytes.toString('utf8')));
    } catch (error) {
      // One sync in trouble holds up no other.
      results.push({ sync, faults: [error instanceof Error ? error.message : String(error)] });
    }
  }
  return results;
}

/** Logs what the syncs did; a faulty definition is an error of its own and stops no other. */
export function logSyncs(results: readonly SyncResult[], context: Pick<InvocationContext, 'log' | 'error'>): void {
  for (const result of results) {
    const { sync } = result;
    if ('faults' in result) context.error(`Sync ${sync} was not started: ${result.faults.join(' ')}`);
    // Most of the time there is nothing new, and nothing to say.
    else if (result.did !== 'unchanged') context.log(`Sync ${sync}: ${result.did}, run ${result.runId}.`);
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
  const seen = await deps.ledger.readSync(sync);
  const last = seen === undefined ? undefined : await begunRun(deps, sync, seen.value);
  if (last !== undefined) {
    const open = await openManifest(deps, last.runId);
    if (open !== undefined) return { sync, runId: last.runId, did: await keepGoing(deps, client, open) };
    if (last.version === version && !(await mayTryAgain(deps, last)))
      return { sync, runId: last.runId, did: 'unchanged' };
  }
  const attempt = attemptFor(version, seen?.value, last);
  const name = sync.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 60);
  const runId = `sync-${name}-${version}${attempt === 1 ? '' : `-${attempt}`}`;
  // Another timer may have begun a run since: there is one at a time.
  if (!(await deps.ledger.writeSync(sync, { version, runId, attempt, begins: true }, seen)))
    return { sync, runId, did: 'waiting' };
  await acceptRun(deps, client, { runId, spec, pin: pinned.pin });
  await noteAccepted(deps, sync, runId);
  return { sync, runId, did: 'started' };
}

/** The record of a run that was accepted; one that was only about to be stands for nothing. */
async function begunRun(deps: SyncDeps, sync: string, record: SyncRecord): Promise<SyncRecord | undefined> {
  if (record.begins === undefined) return record;
  if ((await deps.ledger.manifest(record.runId)) === undefined) return undefined;
  await noteAccepted(deps, sync, record.runId);
  return record;
}

async function noteAccepted({ ledger }: SyncDeps, sync: string, runId: string): Promise<void> {
  const seen = await ledger.readSync(sync);
  if (seen?.value.runId !== runId) return;
  const { begins: _begins, ...record } = seen.value;
  await ledger.writeSync(sync, record, seen);
}

/** A run that was not accepted is no attempt. */
function attemptFor(version: string, noted: SyncRecord | undefined, begun: SyncRecord | undefined): number {
  if (noted?.version !== version) return 1;
  return begun === undefined ? noted.attempt : noted.attempt + 1;
}

/** A run that could not begin (the environment away, a setting wrong) is tried again; one that sent rows is a person's business. */
async function mayTryAgain({ ledger }: SyncDeps, { runId, attempt }: SyncRecord): Promise<boolean> {
  return attempt < mostAttempts && (await ledger.readReport(runId))?.state === 'failed';
}

/** The manifest of a run whose books are open; a run that is no longer in the ledger ended long ago. */
async function openManifest({ ledger }: SyncDeps, runId: string): Promise<Manifest | undefined> {
  return (await ledger.readReport(runId)) === undefined ? ledger.manifest(runId) : undefined;
}

/** Nobody else looks after the run of a sync: one whose orchestration broke or was lost goes on, unless a person ended it. */
async function keepGoing(deps: SyncDeps, client: DurableClient, manifest: Manifest): Promise<SyncStep> {
  const status = await statusOf(client, manifest.runId);
  if (status?.runtimeStatus === OrchestrationRuntimeStatus.Terminated)
    throw new Error(`Run ${manifest.runId} was terminated and its books are open: cancel it, or resume it.`);
  if (status !== undefined && !isGone(status.runtimeStatus)) return 'waiting';
  await ensureStarted(deps, client, manifest);
  return 'resumed';
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
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown;
  } catch {
    return text;
  }
}
