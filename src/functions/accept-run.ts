import { isDeepStrictEqual } from 'node:util';
import type { DurableClient } from 'durable-functions';
import { names } from '../names.ts';
import type { Fault } from '../plan/fault.ts';
import type { Lineage } from '../plan/lineage.ts';
import type { BulkRunInput } from '../plan/payloads.ts';
import type { RunSpec } from '../plan/run-spec.ts';
import type { SourcePin } from '../source/source.ts';
import type { RunsDeps } from './runs-deps.ts';

/** Checks what settings and storage can tell at once, and fixes the version of the source. */
export async function pinSource(
  { settings, source }: RunsDeps,
  { connection, source: { container, blob } }: RunSpec,
): Promise<{ readonly pin: SourcePin } | { readonly faults: readonly Fault[] }> {
  const faults: Fault[] = [];
  if (!settings.connections.has(connection)) {
    const configured = [...settings.connections.keys()].join(', ');
    faults.push({
      pointer: '/connection',
      detail: `Connection "${connection}" is not configured. Configured: ${configured}.`,
    });
  }
  if (!settings.sourceContainers.includes(container)) {
    const allowed = settings.sourceContainers.join(', ');
    faults.push({
      pointer: '/source/container',
      detail: `Container "${container}" is not one that sources may come from. Allowed: ${allowed}.`,
    });
    return { faults };
  }
  const pinned = await source.pin(container, blob);
  if (!('missing' in pinned)) return faults.length > 0 ? { faults } : { pin: pinned };
  const missing =
    pinned.missing === 'container'
      ? { pointer: '/source/container', detail: `Container "${container}" does not exist.` }
      : { pointer: '/source/blob', detail: `Blob "${blob}" does not exist in container "${container}".` };
  return { faults: [...faults, missing] };
}

export interface Acceptance {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly pin: SourcePin;
  /** The rows are those of an earlier run. */
  readonly lineage?: Lineage;
}

/**
 * Writes the manifest, then starts the orchestration unless it exists. Safe to repeat after any failure in between.
 *
 * @returns false when another spec was accepted under this run id before
 */
export async function acceptRun(deps: RunsDeps, client: DurableClient, accepted: Acceptance): Promise<boolean> {
  const { spec, runId, lineage } = accepted;
  const manifest = await deps.ledger.accept({ ...accepted, createdAt: new Date().toISOString() });
  if (!isDeepStrictEqual(plain([manifest.spec, manifest.lineage]), plain([spec, lineage]))) return false;
  if (await exists(client, runId)) return true;
  try {
    await startOrchestration(deps, client, runId);
  } catch (error) {
    // Two callers with one idempotency key: the host refuses the second start, and the run is there.
    if (!(await exists(client, runId))) throw error;
  }
  return true;
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

/** Starts the orchestration of a run that was accepted, or, with `resume`, one that goes on from its parts. */
export async function startOrchestration(
  { ledger, settings }: RunsDeps,
  client: DurableClient,
  runId: string,
  how: Pick<BulkRunInput, 'resume'> = {},
): Promise<void> {
  const manifest = await ledger.manifest(runId);
  if (manifest === undefined) throw new Error(`Run ${runId} has no manifest.`);
  const { spec, lineage } = manifest;
  const maxDop = settings.connections.get(spec.connection)?.maxDop;
  const { maxLanes, settleSeconds } = settings;
  const bounds = { maxLanes, settleSeconds, ...(maxDop === undefined ? {} : { maxDop }) };
  const spool = lineage === undefined ? {} : { spool: true as const };
  const input: BulkRunInput = { runId, spec, bounds, ...spool, ...how };
  await client.startNew(names.bulkRun, { instanceId: runId, input });
}

async function exists(client: DurableClient, runId: string): Promise<boolean> {
  return (await statusOf(client, runId)) !== undefined;
}

/** The instance's status, or undefined when the task hub does not know it. */
export async function statusOf(
  client: DurableClient,
  runId: string,
): Promise<Awaited<ReturnType<DurableClient['getStatus']>> | undefined> {
  try {
    return await client.getStatus(runId, { showInput: false });
  } catch (error) {
    if (error instanceof Error && error.message.includes('404')) return undefined;
    throw error;
  }
}
